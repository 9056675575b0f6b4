// Four jobs of half a second or more are queued; meanwhile a 5 ms timer and fs.readFile go on. Prints how late they
// were, and how late without any job. argv: threads of the engine.

import { readFile } from 'node:fs/promises';
import { crossEntropy, crossEntropySync, setThreads } from 'cutloss';
import { heavy, lasting, sleep } from './work.mjs';

setThreads(Number(process.argv[2]));
/** The time of one job; the better of two, for the machine may be busy. */
function measure(inputs) {
  const times = [1, 2].map(() => {
    const started = performance.now();
    crossEntropySync(inputs, heavy);
    return performance.now() - started;
  });
  return Math.min(...times);
}

let wanted = 600;
let inputs = lasting(wanted);
let one = measure(inputs);
while (one < 500 && wanted < 5000) {
  wanted *= 1.5;
  inputs = lasting(wanted);
  one = measure(inputs);
}

/** How late a 5 ms timer and fs.readFile are, at worst, until the promise is settled. */
async function watch(until) {
  const lateness = { timer: 0, readFile: 0 };
  let ticks = 0;
  let running = true;
  let due = performance.now() + 5;
  const timer = setInterval(() => {
    lateness.timer = Math.max(lateness.timer, performance.now() - due);
    due = performance.now() + 5;
    ticks++;
  }, 5);
  const reading = (async () => {
    while (running) {
      const begun = performance.now();
      await readFile(new URL(import.meta.url));
      lateness.readFile = Math.max(lateness.readFile, performance.now() - begun);
      await sleep(5);
    }
  })();
  await until;
  running = false;
  clearInterval(timer);
  await reading;
  return { lateness, ticks };
}

const idle = await watch(sleep(1000)); // what the machine itself, and whatever else runs on it, makes late
const begun = performance.now();
const jobs = [1, 2, 3, 4].map(() => crossEntropy(inputs, heavy));
const queueing = performance.now() - begun;
const busy = await watch(Promise.all(jobs));
const all = performance.now() - begun;
console.log(JSON.stringify({ one, all, queueing, idle, busy }));
