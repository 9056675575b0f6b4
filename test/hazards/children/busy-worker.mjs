// A worker that always has jobs in flight; see terminate.mjs and exit.mjs.

import { parentPort, workerData } from 'node:worker_threads';
import { crossEntropy, crossEntropySync } from 'cutloss';
import { problem } from './work.mjs';

const inputs = problem(256, 2048);

async function again() {
  for (;;) {
    await crossEntropy(inputs, { grads: true, labelSmoothing: 0.1 });
    if (workerData % 3 === 0) crossEntropySync(inputs, { grads: true });
  }
}
for (let i = 0; i < 4; i++) void again();
parentPort.postMessage('busy');
