// worker.terminate() with jobs in flight: 200 workers, each ended at a random moment. CUTLOSS_WORKERS sets how many.

import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

test.each([1, 4])('workers terminated %d at a time leave the process whole', async (width) => {
  const count = Math.ceil(Number(process.env.CUTLOSS_WORKERS ?? 200) / 2);
  const { stdout } = await runClean(new URL('./children/terminate.mjs', import.meta.url), {
    args: [`${count}`, `${width}`],
    timeout: 170_000,
  });
  expect(stdout).toBe(`${count} workers ended\n`);
});
