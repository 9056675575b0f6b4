// Random calls through the real binding, into an addon that is compiled with AddressSanitizer (GCC's, preloaded into Node):
//
//   node scripts/fuzz-addon.mjs                     the losses of regions
//   node scripts/fuzz-addon.mjs region-calls cut-calls topology-calls malformed-calls other-entries
//
// CUTLOSS_FUZZ_CALLS is how many calls of each (100,000), CUTLOSS_FUZZ_SEED the first seed, CUTLOSS_SIMD the level. Whole
// typed arrays end where their memory does, so a read or write past the end of one is seen.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const calls = process.env.CUTLOSS_FUZZ_CALLS ?? '100000';
const seed = process.env.CUTLOSS_FUZZ_SEED ?? '1';
const chosen = process.argv.length > 2 ? process.argv.slice(2) : ['region-calls'];

function run(args, environment) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  return status;
}

const library = spawnSync(process.env.CXX ?? 'g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
const preload = library.stdout?.trim();
if (!preload?.includes('/')) {
  console.error('Expected g++ with libasan but found none');
  process.exit(1);
}
const built = run(['scripts/build-native.mjs', '--out=build-asan/build', '--CDCUTLOSS_SANITIZE=address'], {
  CUTLOSS_CUDA: 'OFF',
});
if (built !== 0) process.exit(built ?? 1);

const environment = {
  CUTLOSS_PREBUILD: resolve(root, 'build-asan'),
  LD_PRELOAD: preload,
  // Node keeps what it has until it ends; what the addon leaks, the native tests say.
  ASAN_OPTIONS: 'detect_leaks=0:handle_segv=1:halt_on_error=1:exitcode=72',
};
const progress = join(mkdtempSync(join(tmpdir(), 'cutloss-fuzz-')), 'seed');
const loader = './test/support/typescript.mjs';
for (const name of chosen) {
  writeFileSync(progress, 'none yet');
  const status = run(['--import', loader, `test/fuzz/${name}.ts`, seed, calls, progress], environment);
  if (status !== 0) {
    console.error(`${name}: failed with ${status} at seed ${readFileSync(progress, 'utf8').trim()}`);
    process.exit(1);
  }
  console.log(`${name}: ${calls} calls from seed ${seed} on, clean under AddressSanitizer`);
}
