// `npm run check`: format, lint, types and package lint. All of them run; the verdict is that of CI.
import { spawnSync } from 'node:child_process';

const checks = [
  ['format and lint of TypeScript', 'biome', 'check', '.'],
  ['format of C++ and CUDA', process.execPath, 'scripts/clang-format.mjs'],
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['types of the report page', 'tsc', '--noEmit', '-p', 'src/cli/page'],
  ['types as shipped', 'tsc', '-p', 'test/types'],
  ['package: publint', 'publint', 'run', '--strict'],
  ['package: are the types wrong', 'attw', '--pack', '.', '--quiet'],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  const program =
    command === process.execPath ? [command, args] : ['npx', ['--no-install', command, ...args]];
  const result = spawnSync(...program, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  console.log(`${result.status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (result.status !== 0) {
    failed += 1;
    console.log(`${result.stdout}${result.stderr}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
