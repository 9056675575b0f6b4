// libFuzzer on the decoder, check() and the CPU engine (test/fuzz/native), with AddressSanitizer and
// UndefinedBehaviorSanitizer. CUTLOSS_FUZZ_SECONDS is how long (60). What it finds is kept in build/fuzz for the next
// run; --keep writes what is worth it into the committed corpus, smallest first.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const corpus = 'test/fuzz/native/corpus.txt';
const build = 'build/fuzz';
const found = join(build, 'found');
const kMostBytes = 48_000; // of the committed corpus

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

const clang = [process.env.CUTLOSS_CLANG, 'clang++', ...[19, 18, 17, 16, 15, 14].map((n) => `clang++-${n}`)]
  .filter(Boolean)
  .find((name) => spawnSync(name, ['--version']).status === 0);
if (clang === undefined) {
  console.error('Expected clang with libFuzzer (Debian: clang-14 and libclang-rt-14-dev) but found none');
  process.exit(1);
}
const options = [
  `-DCMAKE_CXX_COMPILER=${clang}`,
  `-DCMAKE_C_COMPILER=${clang.replace('++', '')}`,
  '-DCUTLOSS_TESTS=ON',
  '-DCUTLOSS_FUZZ=ON',
  '-DCUTLOSS_SANITIZE=address,undefined',
  '-DCUTLOSS_CUDA=OFF',
];
run('cmake', '-S', '.', '-B', build, '-G', 'Unix Makefiles', '--log-level=WARNING', ...options);
run(
  'cmake',
  '--build',
  build,
  '--parallel',
  '2',
  '--target',
  'request_fuzz',
  '--',
  '--no-print-directory',
  '-s',
);

const lines = (path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);
const nameOf = (bytes) => createHash('sha1').update(bytes).digest('hex');
function unpack(folder) {
  mkdirSync(folder, { recursive: true });
  for (const line of lines(corpus)) {
    const bytes = Buffer.from(line, 'hex');
    writeFileSync(join(folder, nameOf(bytes)), bytes);
  }
}

const fuzzer = resolve(build, 'test/fuzz/native/request_fuzz');
unpack(found);
const limits = ['-max_len=512', '-timeout=60', '-rss_limit_mb=4096', `-artifact_prefix=${build}/`];
run(
  fuzzer,
  found,
  `-max_total_time=${process.env.CUTLOSS_FUZZ_SECONDS ?? 60}`,
  ...limits,
  '-print_final_stats=1',
);

if (process.argv.includes('--keep')) {
  const least = join(build, 'least');
  rmSync(least, { recursive: true, force: true });
  mkdirSync(least);
  run(fuzzer, '-merge=1', ...limits, least, found);
  const cases = readdirSync(least).map((name) => readFileSync(join(least, name)).toString('hex'));
  cases.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const kept = [];
  for (let bytes = 0; kept.length < cases.length; ) {
    const line = cases[kept.length];
    bytes += line.length + 1;
    if (bytes > kMostBytes) break;
    kept.push(line);
  }
  writeFileSync(corpus, `${kept.join('\n')}\n`);
  console.log(`${kept.length} of ${cases.length} cases are kept`);
}
