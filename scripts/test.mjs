// `npm test`: the native tests under sanitizers, the CUDA kernels under emulation, then everything that JavaScript sees.
// All parts run; the last line adds up what they counted. `npm test -- unit` or any other argument goes to vitest alone.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const total = { passed: 0, failed: 0, skipped: 0 };
const filters = process.argv.slice(2);

function add(counts) {
  for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
}

function step(command, ...args) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

/** Builds and runs one tree of ctest tests; a tree that does not build counts as one failure. */
function ctest(name, folder, build) {
  console.log(`\n# ${name}`);
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  if (!build()) return add({ failed: 1 });
  const builtIn = seconds();
  const limits = ['--output-on-failure', '--parallel', '2', '--timeout', '300'];
  const result = spawnSync('ctest', ['--test-dir', folder, ...limits], { encoding: 'utf8' });
  const summary = /(\d+) tests failed out of (\d+)/.exec(result.stdout);
  const failed = summary ? Number(summary[1]) : 1;
  const passed = summary ? Number(summary[2]) - failed : 0;
  if (failed > 0) console.log(result.stdout, result.stderr);
  console.log(`${name}: ${passed} passed, ${failed} failed (built in ${builtIn} s, ${seconds()} s in all)`);
  add({ passed, failed });
}

/** The same by CMake alone. */
function cmakeTests(name, source, folder, ...options) {
  ctest(
    name,
    folder,
    () =>
      step('cmake', '-S', source, '-B', folder, '-G', 'Unix Makefiles', '--log-level=WARNING', ...options) &&
      step('cmake', '--build', folder, '--parallel', '2', '--', '--no-print-directory', '-s'),
  );
}

const environment = { ...process.env };
if (filters.length === 0) {
  cmakeTests(
    'native tests, address and undefined-behaviour sanitizers',
    '.',
    'build/native-tests',
    '-DCUTLOSS_TESTS=ON',
    '-DCUTLOSS_SANITIZE=address,undefined',
    '-DCUTLOSS_CUDA=OFF',
  );
  // The addon whose GPU is emulated joins the conformance suite; vitest fails if it was asked for and is not there.
  ctest('the emulated GPU, and the CUDA engine and kernels on it', 'build', () =>
    step(process.execPath, 'scripts/build-emulated.mjs'),
  );
  environment.CUTLOSS_TEST_EMULATED = join(process.cwd(), 'build/emulated');

  // Longer than most changes need: CUTLOSS_TEST_MODES="race;asan"
  const modes = process.env.CUTLOSS_TEST_MODES;
  if (modes) {
    const name = `CUDA engine and kernels on the emulated GPU, ${modes}`;
    cmakeTests(name, 'test/native/cuda', 'build/cuda-tests', `-DCUTLOSS_TEST_MODES=${modes}`);
  }
}

console.log('\n# vitest');
const counts = join(mkdtempSync(join(tmpdir(), 'cutloss-test-')), 'counts.json');
const vitest = spawnSync('npx', ['--no-install', 'vitest', 'run', ...filters], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...environment, CUTLOSS_TEST_COUNTS: counts },
});
add(existsSync(counts) ? JSON.parse(readFileSync(counts, 'utf8')) : { failed: 1 });
const ok = vitest.status === 0 && total.failed === 0 && total.passed > 0;
if (vitest.status !== 0 && total.failed === 0) total.failed = 1;

console.log(`\ntests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(ok ? 0 : 1);
