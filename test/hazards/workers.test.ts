// worker.terminate() with jobs in flight, at random moments: CUTLOSS_WORKERS one after another, then CUTLOSS_WORKER_CROWDS
// times 64 at once. The process does not grow by it.
// And workers that share one GPU give the bits that each gives alone: on the emulated one, whose addon `npm test` builds.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

const workers = Number(process.env.CUTLOSS_WORKERS ?? 100);
// What is freed goes back to the system, so that the process is as large as what it holds: with malloc's defaults, a
// worker that has nothing but arrays of its own leaves as much behind.
const returning = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536' };
const crowds = Number(process.env.CUTLOSS_WORKER_CROWDS ?? 1);

test.each([
  [workers, 1],
  [64 * crowds, 64],
])('%d workers terminated %d at a time leave the process whole', async (count, width) => {
  const { stdout } = await runClean(new URL('./children/terminate.mjs', import.meta.url), {
    args: [`${count}`, `${width}`],
    node: ['--expose-gc'],
    env: returning,
    timeout: 1_700_000,
  });
  const { ended, growth } = JSON.parse(stdout);
  expect(ended).toBe(count);
  expect(growth, 'bytes that the process grew by').toBeLessThan(5 * 2 ** 20);
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
