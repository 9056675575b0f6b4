// Aborts at random moments: the promise settles once and soon, and nothing is half-written. CUTLOSS_ABORTS sets how many.

import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

test.each([
  ['crossEntropy', '300'],
  ['bettiMatching', '60'],
])(
  'an aborted %s settles once with signal.reason, leaves out untouched, and within 50 ms',
  async (loss, usual) => {
    const count = process.env.CUTLOSS_ABORTS ?? usual;
    const { stdout } = await runClean(new URL('./children/abort.mjs', import.meta.url), {
      args: [loss, count],
      timeout: 170_000,
    });
    const { aborted, finished, p99 } = JSON.parse(stdout);
    expect(aborted + finished).toBe(Number(count));
    expect(aborted, 'some were aborted').toBeGreaterThan(Number(count) / 10);
    expect(p99, 'p99 of the wait after an abort').toBeLessThan(50);
  },
);
