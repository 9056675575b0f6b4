// Builds what runs on the emulated GPU: the CUDA engine's sources, kernels included, compiled by g++ for tests, and linked
// with the objects of the addon that is there. It needs no nvcc.
//
//   node scripts/build-emulated.mjs
//   CUTLOSS_PREBUILD=build/emulated node ...     the package loads this addon; its device is cuda:0
//   ctest --test-dir build                       the tests of the emulator, the CUDA engine and its kernels
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const root = join(scripts, '..');
const build = join(root, 'build');
const steps = [
  [process.execPath, join(scripts, 'build-native.mjs')],
  ['cmake', '-S', root, '-B', build, '-DCUTLOSS_EMULATED=ON', '--log-level=WARNING'],
  ['cmake', '--build', build, '--parallel', process.env.CUTLOSS_JOBS ?? '2'],
];
for (const [command, ...args] of steps) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
