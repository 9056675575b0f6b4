// What is asked of every entry point: memory that fails at any moment, no leaks, the same bits on any number of threads,
// aborts at random moments. Items 6, 7, 8 and 12 of docs/trust.md. CUTLOSS_FAILURES bounds how many requests for memory
// are made to fail, evenly spread and in four processes, since the first call asks for more; CUTLOSS_STEPS, CUTLOSS_RUNS and CUTLOSS_ABORTS_EACH are how often the others repeat.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClean } from '../support/child.js';
import { WatchedMemory } from '../support/watched-memory.js';
import { entryPoints, forms } from './children/entry-points.mjs';

const failures = Number(process.env.CUTLOSS_FAILURES ?? 1000);
const steps = process.env.CUTLOSS_STEPS ?? '100';
const runs = process.env.CUTLOSS_RUNS ?? '10';
const aborts = process.env.CUTLOSS_ABORTS_EACH ?? '40';
const child = (name: string): URL => new URL(`./children/${name}.mjs`, import.meta.url);

describe.runIf(process.platform === 'linux')("the addon's memory", () => {
  let watched: WatchedMemory;
  beforeAll(() => {
    watched = new WatchedMemory();
  });
  afterAll(() => watched.close());

  async function failing(...args: string[]): Promise<{ seen: number; failed: number; bits: string }> {
    return JSON.parse((await watched.run(child('failing-memory'), ...args)).stdout);
  }

  test.each(entryPoints.flatMap((name) => forms.map((form) => [name, form] as const)))(
    '%s, %s: a request that fails is a typed error, and the next call is right',
    async (name, form) => {
      const { seen, bits } = await failing(name, form, '0');
      expect(seen, 'requests were counted').toBeGreaterThan(0);
      const tries = Math.min(failures, seen);
      const requests = Array.from({ length: tries }, (_, i) => 1 + Math.floor((i * seen) / tries));
      const processes = Math.min(4, tries);
      const endings = await Promise.all(
        Array.from({ length: processes }, (_, process) =>
          failing(name, form, requests.filter((_, i) => i % processes === process).join()),
        ),
      );
      for (const ending of endings) expect(ending.bits).toBe(bits);
      expect(endings.reduce((sum, { failed }) => sum + failed, 0)).toBeGreaterThan(0);
    },
  );

  test.each(entryPoints)('%s holds after many calls what it held after a few', async (name) => {
    await watched.run(child('leaks'), name, steps);
  });
});

test.each(entryPoints)('%s gives the same bits every time, on any number of threads', async (name) => {
  await runClean(child('same-bits'), { args: [name, runs] });
});

test.each(entryPoints)('%s, aborted at random moments, settles once and soon', async (name) => {
  const { stdout } = await runClean(child('abort-any'), { args: [name, aborts], timeout: 170_000 });
  expect(JSON.parse(stdout).p99, 'p99 of the wait after an abort').toBeLessThan(50);
});
