// Runs one test file with vitest's runner and without vitest (see vitest.mjs), and prints the counts and the first
// failures as one line of JSON. With --collect it only loads the file and counts its tests.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { collectTests, startTests } from '@vitest/runner';
import { getTests } from '@vitest/runner/utils';

const kMostFailures = 12;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { collect: { type: 'boolean' } },
});

const runner = {
  config: {
    root: process.cwd(),
    setupFiles: [],
    sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
    maxConcurrency: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
    tags: [],
  },
  importFile: (file) => import(pathToFileURL(file).href),
};
const files = positionals.map((file) => resolve(file));
const ran = await (values.collect ? collectTests : startTests)(files, runner);

const fullName = (task) => [...(task.suite ? [fullName(task.suite)] : []), task.name].join(' > ');
const suites = (task) => [task, ...(task.tasks ?? []).flatMap(suites)];
const tests = getTests(ran);
const stateOf = (test) => test.result?.state ?? 'not run';
const counts = { tests: tests.length, passed: 0, failed: 0, skipped: 0 };
for (const test of tests) {
  const state = stateOf(test);
  if (state === 'pass') counts.passed++;
  else if (state === 'fail' || (!values.collect && test.mode === 'run')) counts.failed++;
  else counts.skipped++;
}
const failures = ran
  .flatMap(suites)
  .filter((task) => task.result?.errors?.length)
  .map((task) => `${fullName(task)}: ${task.result.errors[0].message}`);
if (counts.failed === 0) counts.failed = failures.length; // a file or a suite that did not load
console.log(JSON.stringify({ ...counts, failures: failures.slice(0, kMostFailures) }));
process.exit(counts.failed === 0 && counts.tests > 0 ? 0 : 1);
