// Memory by the step: after a warm-up, what JavaScript holds and what the addon holds grow by less than a byte for each
// step, tiny or large, and no listener is left. CUTLOSS_TINY_STEPS and CUTLOSS_LARGE_STEPS say how many; the fewer there
// are, the more a byte per step is below what can be seen.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WatchedMemory } from '../support/watched-memory.js';

const most = 2 ** 20; // what compilers and caches of V8 take, however few the steps
const mostResident = 8 * 2 ** 20; // the same pages are there or not as an allocator likes

describe.runIf(process.platform === 'linux')('memory', () => {
  let watched: WatchedMemory;
  beforeAll(() => {
    watched = new WatchedMemory();
  });
  afterAll(() => watched.close());

  test.each([
    ['tiny', process.env.CUTLOSS_TINY_STEPS ?? '40000'],
    ['large', process.env.CUTLOSS_LARGE_STEPS ?? '200'],
  ])('of %s steps, %s of them', async (size, count) => {
    const circumstances = {
      node: ['--expose-gc', '--max-semi-space-size=1'],
      timeout: 1_700_000,
      env: { CUTLOSS_INLINE_ELEMENTS: '32768' },
    };
    const script = new URL('./children/steps.mjs', import.meta.url);
    const { stdout } = await watched.runWith(circumstances, script, size, count);
    const { javascript, addon, resident, listeners } = JSON.parse(stdout);
    expect(addon, stdout).toBeLessThan(Number(count));
    expect(javascript, stdout).toBeLessThan(Math.max(Number(count), most));
    expect(resident, stdout).toBeLessThan(mostResident);
    expect(listeners).toBe(0);
  });
});
