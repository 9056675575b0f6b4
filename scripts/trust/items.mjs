// The list of docs/trust.md, item by item, in full size. Each size is an environment variable; one that is set already
// stays as it is, so that an item can be tried in slices.
import { ctest, emulated, node, vitest } from './runners.mjs';

const hazards = 'test/hazards';
const everyEntryPoint = `${hazards}/every-entry-point`;

export const items = [
  {
    item: 1,
    what: 'worker churn',
    run: vitest(`${hazards}/workers`),
    size: { CUTLOSS_WORKERS: 1000, CUTLOSS_WORKER_CROWDS: 20 },
  },
  { item: 2, what: 'exit matrix', run: vitest(`${hazards}/exit`), size: { CUTLOSS_EXIT_REPEATS: 25 } },
  { item: 3, what: 'load order', run: vitest(`${hazards}/loading`), size: { CUTLOSS_RELOADS: 200 } },
  { item: 4, what: 'random calls', run: vitest('test/fuzz'), size: { CUTLOSS_FUZZ_CALLS: 100_000 } },
  { item: 4, what: 'memory that goes away', run: vitest(`${hazards}/memory`) },
  {
    item: 4,
    what: 'libFuzzer on decoder, check() and engine',
    run: node('scripts/fuzz.mjs'),
    size: { CUTLOSS_FUZZ_SECONDS: 300 },
  },
  { item: 5, what: 'AddressSanitizer, UndefinedBehaviorSanitizer, leaks', run: ctest('address,undefined') },
  { item: 5, what: 'ThreadSanitizer', run: ctest('thread') },
  {
    item: 6,
    what: 'leaks, piece by piece',
    run: vitest(everyEntryPoint, 'holds after'),
    size: { CUTLOSS_STEPS: 1000 },
  },
  {
    item: 6,
    what: 'memory by the step',
    run: vitest('test/soak'),
    size: { CUTLOSS_TINY_STEPS: 1_000_000, CUTLOSS_LARGE_STEPS: 10_000 },
  },
  {
    item: 7,
    what: 'failed requests for memory',
    run: vitest(everyEntryPoint, 'a request that fails'),
    size: { CUTLOSS_FAILURES: 1000 },
  },
  {
    item: 8,
    what: 'determinism',
    run: vitest(everyEntryPoint, 'the same bits'),
    size: { CUTLOSS_RUNS: 100 },
  },
  { item: 9, what: 'drivers', run: vitest(`${hazards}/drivers`) },
  { item: 10, what: 'signals', run: vitest(`${hazards}/signals`), size: { CUTLOSS_SIGNALS: 10_000 } },
  { item: 11, what: 'fork, and a GPU that is lost, emulated', run: emulated('^(engine|lost)\\.') },
  {
    item: 12,
    what: 'aborts of every entry point',
    run: vitest(everyEntryPoint, 'aborted'),
    size: { CUTLOSS_ABORTS_EACH: 420 },
  },
  {
    item: 12,
    what: 'aborts while outputs are written',
    run: vitest(`${hazards}/abort`),
    size: { CUTLOSS_ABORTS: 800 },
  },
  { item: 'build', what: 'two builds, the same bytes', run: node('scripts/reproducible.mjs') },
];
