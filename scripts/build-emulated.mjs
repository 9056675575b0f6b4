// Builds the addon whose CUDA engine runs on the emulated GPU: the same sources, kernels included, compiled by g++. It is
// for tests only, needs no nvcc, and stands beside the real one:
//
//   node scripts/build-emulated.mjs
//   CUTLOSS_PREBUILD=build-emulated node ...     the package loads it; its device is cuda:0
//   ctest --test-dir build-emulated/build        tests of the CUDA engine and its kernels, from the same objects
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const build = spawnSync(
  process.execPath,
  [
    join(scripts, 'build-native.mjs'),
    '--out=build-emulated/build',
    '--CDCUTLOSS_CUDA_EMULATED=ON',
    '--CDCUTLOSS_TESTS=ON',
  ],
  { stdio: 'inherit' },
);
process.exit(build.status ?? 1);
