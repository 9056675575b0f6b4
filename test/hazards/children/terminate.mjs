// Workers that are terminated at a random moment with jobs in flight. argv: how many, how many at a time. Prints how many
// ended, and by how much the process grew in the second half: heaps of the threads that ran at once are filled in the
// first, by a few hundred workers, and kept.

import { Worker } from 'node:worker_threads';
import { crossEntropySync } from 'cutloss';
import { expectedLoss, isClose, must, problem, sleep } from './work.mjs';

const [count, width] = process.argv.slice(2).map(Number);
const file = new URL('./busy-worker.mjs', import.meta.url);

let ended = 0;
async function one(i) {
  const worker = new Worker(file, { workerData: i });
  worker.on('error', (error) => must(false, `worker ${i}: ${error.stack}`));
  if (i % 4 === 0)
    await sleep(30 * Math.random()); // perhaps while it is still loading
  else {
    await new Promise((resolve) => worker.once('message', resolve));
    await sleep(4 * Math.random());
  }
  await worker.terminate();
  ended++;
}

async function end(first, last) {
  for (let i = first; i < last; i += width)
    await Promise.all(Array.from({ length: Math.min(width, last - i) }, (_, k) => one(i + k)));
}

/** The least of a while: V8 frees in the background. */
async function resident() {
  const seen = [];
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await sleep(100);
    seen.push(process.memoryUsage.rss());
  }
  return Math.min(...seen);
}

const half = Math.ceil(count / width / 2) * width;
await end(0, half);
const before = await resident();
await end(half, count);
const growth = (await resident()) - before;
const inputs = problem(16, 32);
must(isClose(crossEntropySync(inputs).loss, expectedLoss(inputs)), 'the main thread computes on');
console.log(JSON.stringify({ ended, growth }));
