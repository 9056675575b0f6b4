// How an item of the list is run: files of vitest, the native tests under a sanitizer, or a script. Each way gives a
// function of the environment that returns how many passed and failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const succeeds = (command, args, env = {}) =>
  spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    .status === 0;

export function vitest(file, only) {
  return (env) => {
    const counts = join(mkdtempSync(join(tmpdir(), 'cutloss-trust-')), 'counts.json');
    writeFileSync(counts, '{}');
    const filter = only ? ['-t', only] : [];
    const limit = ['--testTimeout', `${30 * 60_000}`];
    const args = ['--no-install', 'vitest', 'run', '--project', 'processes', file, ...filter, ...limit];
    const clean = succeeds('npx', args, { ...env, CUTLOSS_TEST_COUNTS: counts });
    const { passed = 0, failed = 0 } = JSON.parse(readFileSync(counts, 'utf8'));
    return { passed, failed: failed + Number(!clean && failed === 0) };
  };
}

export function node(script) {
  return (env) => {
    const clean = succeeds(process.execPath, [script], env);
    return { passed: Number(clean), failed: Number(!clean) };
  };
}

function countTests(folder, env, ...filter) {
  const { stdout } = spawnSync('ctest', ['--test-dir', folder, '--output-on-failure', ...filter], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  console.log(stdout);
  const [, failed = 1, all = 1] = /(\d+) tests failed out of (\d+)/.exec(stdout)?.map(Number) ?? [];
  return { passed: all - failed, failed };
}

export function emulated(tests) {
  return (env) =>
    succeeds(process.execPath, ['scripts/build-emulated.mjs'])
      ? countTests('build', env, '--tests-regex', tests)
      : { passed: 0, failed: 1 };
}

export function ctest(sanitize) {
  return (env) => {
    // npm test has the first of these trees already.
    const build = sanitize === 'address,undefined' ? 'build/native-tests' : `build/${sanitize}`;
    const options = ['-DCUTLOSS_TESTS=ON', `-DCUTLOSS_SANITIZE=${sanitize}`, '-DCUTLOSS_CUDA=OFF'];
    const built =
      succeeds('cmake', [
        '-S',
        '.',
        '-B',
        build,
        '-G',
        'Unix Makefiles',
        '--log-level=WARNING',
        ...options,
      ]) && succeeds('cmake', ['--build', build, '--parallel', '2', '--', '--no-print-directory', '-s']);
    return built ? countTests(build, env) : { passed: 0, failed: 1 };
  };
}
