// `npm run test:trust`: the hazards of docs/trust.md in full size, one after another, and their table. Items 1 to 12 are
// those of the page; an argument chooses some: npm run test:trust -- 7 8. CI runs the same tests in the sizes that they
// have by default. The table goes to the screen and, with what it was run on, to build/trust.json.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, tmpdir } from 'node:os';
import { join } from 'node:path';

const hazards = 'test/hazards';
const everyEntryPoint = `${hazards}/every-entry-point`;

/** What vitest runs, under which settings; or a tree of native tests. */
const items = [
  {
    item: 1,
    what: 'workers terminated with jobs in flight',
    file: `${hazards}/workers`,
    size: { CUTLOSS_WORKERS: 1000 },
  },
  { item: 2, what: 'endings of the process', file: `${hazards}/exit`, size: { CUTLOSS_EXIT_REPEATS: 25 } },
  { item: 3, what: 'loading', file: `${hazards}/loading` },
  { item: 4, what: 'malformed calls', file: 'test/fuzz', size: { CUTLOSS_FUZZ_CALLS: 100_000 } },
  { item: 4, what: 'memory that goes away', file: `${hazards}/memory` },
  { item: 5, what: 'AddressSanitizer, UndefinedBehaviorSanitizer, leaks', sanitize: 'address,undefined' },
  { item: 5, what: 'ThreadSanitizer', sanitize: 'thread' },
  { item: 6, what: 'leaks', file: everyEntryPoint, only: 'holds after', size: { CUTLOSS_STEPS: 10_000 } },
  {
    item: 7,
    what: 'requests for memory that fail',
    file: everyEntryPoint,
    only: 'a request that fails',
    size: { CUTLOSS_FAILURES: 1000 },
  },
  {
    item: 8,
    what: 'the same bits',
    file: everyEntryPoint,
    only: 'the same bits',
    size: { CUTLOSS_RUNS: 100 },
  },
  { item: 9, what: 'drivers', file: `${hazards}/drivers` },
  { item: 10, what: 'signals', file: `${hazards}/signals`, size: { CUTLOSS_SIGNALS: 10_000 } },
  {
    item: 12,
    what: 'aborts of every entry point',
    file: everyEntryPoint,
    only: 'aborted',
    size: { CUTLOSS_ABORTS_EACH: 600 },
  },
  {
    item: 12,
    what: 'aborts while outputs are written',
    file: `${hazards}/abort`,
    size: { CUTLOSS_ABORTS: 1500 },
  },
];

const folder = mkdtempSync(join(tmpdir(), 'cutloss-trust-'));
const run = (command, args, env = {}) =>
  spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    .status === 0;

function vitest({ file, only, size = {} }) {
  const counts = join(folder, 'counts.json');
  writeFileSync(counts, '{}');
  const filter = only ? ['-t', only] : [];
  const env = Object.fromEntries(Object.entries(size).map(([name, value]) => [name, `${value}`]));
  const limit = ['--testTimeout', `${30 * 60_000}`];
  const clean = run(
    'npx',
    ['--no-install', 'vitest', 'run', '--project', 'processes', file, ...filter, ...limit],
    {
      ...env,
      CUTLOSS_TEST_COUNTS: counts,
    },
  );
  const { passed = 0, failed = 0 } = JSON.parse(readFileSync(counts, 'utf8'));
  return { passed, failed: failed + Number(!clean && failed === 0) };
}

function native({ sanitize }) {
  const build = `build/${sanitize.replace(',', '-')}`;
  const options = [
    '-DCUTLOSS_TESTS=ON',
    `-DCUTLOSS_SANITIZE=${sanitize}`,
    '-DCUTLOSS_CUDA=OFF',
    '--log-level=WARNING',
  ];
  const built =
    run('cmake', ['-S', '.', '-B', build, '-G', 'Unix Makefiles', ...options]) &&
    run('cmake', ['--build', build, '--parallel', '2', '--', '--no-print-directory', '-s']);
  if (!built) return { passed: 0, failed: 1 };
  const { stdout } = spawnSync('ctest', ['--test-dir', build, '--output-on-failure'], { encoding: 'utf8' });
  console.log(stdout);
  const [, failed = 1, all = 1] = /(\d+) tests failed out of (\d+)/.exec(stdout)?.map(Number) ?? [];
  return { passed: all - failed, failed };
}

const chosen = process.argv.slice(2).map(Number);
const results = [];
for (const item of items.filter((one) => chosen.length === 0 || chosen.includes(one.item))) {
  console.log(`\n# ${item.item}. ${item.what}`);
  const start = performance.now();
  const counts = item.sanitize ? native(item) : vitest(item);
  const size = Object.entries(item.size ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  const seconds = Math.round((performance.now() - start) / 1000);
  results.push({ item: item.item, what: item.what, size, ...counts, seconds });
}

const date = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? arch()}, ${platform()} ${release()}, Node ${process.version}`;
mkdirSync('build', { recursive: true });
writeFileSync('build/trust.json', `${JSON.stringify({ date, machine, results }, null, 2)}\n`);
console.log(
  `\n${date}, ${machine}\n\n| item | what | size | passed | failed | seconds |\n| --- | --- | --- | --- | --- | --- |`,
);
for (const r of results)
  console.log(`| ${r.item} | ${r.what} | ${r.size} | ${r.passed} | ${r.failed} | ${r.seconds} |`);
process.exit(results.every(({ passed, failed }) => passed > 0 && failed === 0) ? 0 : 1);
