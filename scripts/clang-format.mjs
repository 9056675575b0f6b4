// Checks the format of the C++ and CUDA sources, or with --write mends it.
import { spawnSync } from 'node:child_process';

const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '*.cc', '*.h', '*.cu', '*.cuh'], {
  encoding: 'utf8',
})
  .stdout.split('\n')
  .filter(Boolean);
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
const result = spawnSync('npx', ['--no-install', 'clang-format', ...mode, ...files], { stdio: 'inherit' });
process.exit(result.status ?? 1);
