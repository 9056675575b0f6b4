// Four jobs of half a second or more are queued; meanwhile a 5 ms timer and fs.readFile go on. Prints how late they were.

import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { crossEntropy, crossEntropySync, setThreads } from 'cutloss';
import { heavy, lasting } from './work.mjs';

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

const lateness = { timer: 0, readFile: 0 };
const ticks = { timer: 0, readFile: 0 };
let running = true;

let due = performance.now() + 5;
const timer = setInterval(() => {
  lateness.timer = Math.max(lateness.timer, performance.now() - due);
  due = performance.now() + 5;
  ticks.timer++;
}, 5);

async function read() {
  while (running) {
    const begun = performance.now();
    await readFile(new URL(import.meta.url));
    lateness.readFile = Math.max(lateness.readFile, performance.now() - begun);
    ticks.readFile++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
const begun = performance.now();
const reading = read();
const jobs = [1, 2, 3, 4].map(() => crossEntropy(inputs, heavy));
const queueing = performance.now() - begun;
await Promise.all(jobs);
const all = performance.now() - begun;
running = false;
clearInterval(timer);
await reading;
console.log(JSON.stringify({ one, all, queueing, lateness, ticks }));
