// Workers that share one GPU give the bits that each gives alone: on the emulated GPU, whose addon `npm test` builds.
// worker.terminate() with jobs in flight: 200 workers, each ended at a random moment. CUTLOSS_WORKERS sets how many.

import { resolve } from 'node:path';
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

const emulated = process.env.CUTLOSS_TEST_EMULATED;
test.runIf(emulated)('eight workers on one emulated GPU give equal bits', { timeout: 200_000 }, async () => {
  const script = new URL('../../scripts/gpu/trust/same-bits.mjs', import.meta.url);
  const env = { CUTLOSS_PREBUILD: resolve(emulated as string) };
  const digests = async (width: string) =>
    JSON.parse((await runClean(script, { args: ['small', width], env, timeout: 180_000 })).stdout).digests;
  const alone = await digests('0');
  expect(alone).toHaveLength(1);
  expect(await digests('8')).toEqual(alone);
});
