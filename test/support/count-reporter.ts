// Prints the counts as the last line of a run, in one form that people and machines can read. Where the run is one of
// several, the caller may ask for them in a file instead (CUTLOSS_TEST_COUNTS) and add them up. A test that was asked to
// be skipped, or that a failing hook kept from running, counts as skipped; a file that did not load counts as failed.

import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') counts.skipped++;
        else counts[state]++;
        if (state === 'failed') failedHere++;
      }
      if (module.state() === 'failed' && failedHere === 0) counts.failed++;
    }
    const file = process.env.CUTLOSS_TEST_COUNTS;
    if (file) writeFileSync(file, JSON.stringify(counts));
    else
      process.on('exit', () =>
        console.log(`tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`),
      );
  }
}
