// While four jobs of half a second are queued, the event loop and libuv's threads are free: a 5 ms timer and fs.readFile
// are at most 20 ms late. A busy machine can make anything late, so the best of three attempts counts.

import { expect, test } from 'vitest';
import { runClean } from '../support/child.js';

interface Seen {
  one: number;
  all: number;
  queueing: number;
  lateness: { timer: number; readFile: number };
  ticks: { timer: number; readFile: number };
}

test.each([1, 2])('nothing waits for the engine with %d of its threads at work', async (threads) => {
  const seen: Seen[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const { stdout } = await runClean(new URL('./children/responsive.mjs', import.meta.url), {
      args: [`${threads}`],
      env: { CUTLOSS_SIMD: 'generic' },
    });
    const found = JSON.parse(stdout) as Seen;
    seen.push(found);
    if (found.lateness.timer <= 20 && found.lateness.readFile <= 20) break;
  }
  const { one, all, queueing, lateness, ticks } = seen.at(-1) as Seen;
  expect(one, 'one job is long enough to show').toBeGreaterThanOrEqual(500);
  expect(all, 'the jobs really ran').toBeGreaterThan(one);
  expect(queueing, 'queueing does not block').toBeLessThan(20);
  expect(ticks.timer, 'the timer ticked').toBeGreaterThan(all / 30);
  expect(lateness.timer, `timer; ${JSON.stringify(seen)}`).toBeLessThanOrEqual(20);
  expect(lateness.readFile, `fs.readFile; ${JSON.stringify(seen)}`).toBeLessThanOrEqual(20);
});

test('a small call costs at most 15 µs, awaited at most 80 µs', async () => {
  const seen: { sync: number; awaited: number }[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const { stdout } = await runClean(new URL('./children/latency.mjs', import.meta.url));
    const found = JSON.parse(stdout);
    seen.push(found);
    if (found.sync <= 15 && found.awaited <= 80) return;
  }
  expect.fail(`too slow in every attempt: ${JSON.stringify(seen)}`);
});
