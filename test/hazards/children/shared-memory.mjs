// A worker writes random bits into logits and targets while jobs read them: torn values may give any loss or a bad
// target, never a crash; when the writing stops, the answer is right.

import { Worker } from 'node:worker_threads';
import { crossEntropy, crossEntropySync } from 'cutloss';
import { expectedLoss, isClose, must, problem } from './work.mjs';

const shared = (bytes) => new SharedArrayBuffer(bytes);
const rows = 400;
const classes = 1024;
const inputs = problem(rows, classes, (n) => new Float32Array(shared(4 * n)));
const targets = new Int32Array(shared(4 * rows));
const quiet = { ...inputs, targets: { data: targets, shape: [rows] } };
const stop = new Int32Array(shared(4));

const script = `
  const { logits, targets, stop } = require('node:worker_threads').workerData;
  const words = new Uint32Array(logits);
  const ids = new Int32Array(targets);
  require('node:worker_threads').parentPort.postMessage('writing');
  let x = 1;
  while (Atomics.load(stop, 0) === 0) {
    for (let i = 0; i < 4096; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      words[x % words.length] = x;
      ids[(x >>> 8) % ids.length] = x % 5 ? x % ${classes} : x | 0;
    }
  }`;
const worker = new Worker(script, {
  eval: true,
  workerData: { logits: inputs.logits.data.buffer, targets: targets.buffer, stop },
});
await new Promise((resolve) => worker.once('message', resolve));

let answers = 0;
let refused = 0;
for (let i = 0; i < 60; i++) {
  try {
    const result =
      i % 2
        ? await crossEntropy(quiet, { grads: true, reduction: 'none' })
        : crossEntropySync(quiet, { grads: true, labelSmoothing: 0.1 });
    must(typeof result.loss === 'number', 'a loss is a number');
    answers++;
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_TARGET', `${error.stack}`);
    refused++;
  }
}
Atomics.store(stop, 0, 1);
await new Promise((resolve) => worker.once('exit', resolve));

must(answers + refused === 60, 'every call ended');
const calm = problem(rows, classes);
inputs.logits.data.set(calm.logits.data);
targets.set(calm.targets.data);
must(isClose(crossEntropySync(quiet).loss, expectedLoss(calm)), 'the answer is right once the writing stops');
console.log(`${answers} answers, ${refused} refused`);
