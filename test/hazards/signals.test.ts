// Item 10 of docs/trust.md: signals that arrive all the time harm no step. CUTLOSS_SIGNALS sets how many.

import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

test('a storm of signals during steps', async () => {
  const count = process.env.CUTLOSS_SIGNALS ?? '2000';
  const { stdout } = await runClean(new URL('./children/signal-storm.mjs', import.meta.url), {
    args: [count],
    timeout: 170_000,
  });
  expect(stdout).toBe(`${count} signals\n`);
});
