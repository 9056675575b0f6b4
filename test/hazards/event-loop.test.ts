// While four jobs of half a second are queued, the event loop and libuv's threads are free: a 5 ms timer and fs.readFile
// are at most 20 ms late, beyond what the machine makes late without any job. The best of three attempts counts.

import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

interface Watched {
  lateness: { timer: number; readFile: number };
  ticks: number;
}

interface Seen {
  one: number;
  all: number;
  queueing: number;
  idle: Watched;
  busy: Watched;
}

const excess = ({ idle, busy }: Seen, of: 'timer' | 'readFile'): number =>
  busy.lateness[of] - idle.lateness[of];

test.each([1, 2])('nothing waits for the engine with %d of its threads at work', async (threads) => {
  const seen: Seen[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const { stdout } = await runClean(new URL('./children/responsive.mjs', import.meta.url), {
      args: [`${threads}`],
      env: { CUTLOSS_SIMD: 'generic' },
    });
    const found = JSON.parse(stdout) as Seen;
    seen.push(found);
    if (excess(found, 'timer') <= 20 && excess(found, 'readFile') <= 20) break;
  }
  const last = seen.at(-1) as Seen;
  expect(last.one, 'one job is long enough to show').toBeGreaterThanOrEqual(500);
  expect(last.all, 'the jobs really ran').toBeGreaterThan(last.one);
  expect(last.queueing, 'queueing does not block').toBeLessThan(20);
  expect(last.busy.ticks, 'the timer ticked').toBeGreaterThan(last.all / 30);
  expect(excess(last, 'timer'), `timer; ${JSON.stringify(seen)}`).toBeLessThanOrEqual(20);
  expect(excess(last, 'readFile'), `fs.readFile; ${JSON.stringify(seen)}`).toBeLessThanOrEqual(20);
});

// On a slower machine than the bound is for: three times what the same sums take in plain JavaScript, which makes no calls.
test('a small call costs at most 15 µs, awaited at most 80 µs', async () => {
  const seen: { sync: number; awaited: number; plain: number }[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    if (attempt > 0) await setTimeout(2000); // a machine at work on something else may be done with it

    const { stdout } = await runClean(new URL('./children/latency.mjs', import.meta.url));
    const found = JSON.parse(stdout);
    seen.push(found);
    if (found.sync <= Math.max(15, 3 * found.plain) && found.awaited <= 80) return;
  }
  expect.fail(`too slow in every attempt: ${JSON.stringify(seen)}`);
});
