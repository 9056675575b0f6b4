// A worker that ends itself while its jobs are in flight. argv: how. The worker's exit code becomes the process's.

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { crossEntropy, crossEntropySync } from 'cutloss';
import { expectedLoss, isClose, must, problem } from './work.mjs';

const endings = {
  dry: () => {},
  exit: () => process.exit(7),
  exitSoon: () => setImmediate(() => process.exit(8)),
  throw: () =>
    setImmediate(() => {
      throw new Error('on purpose');
    }),
  rejection: () => void Promise.reject(new Error('on purpose')),
};

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
  worker.on('error', (error) => must(error.message === 'on purpose', error.stack));
  worker.once('exit', (code) => {
    const inputs = problem(16, 32); // the addon outlives the worker
    must(isClose(crossEntropySync(inputs).loss, expectedLoss(inputs)), 'the main thread computes on');
    process.exitCode = code;
  });
} else {
  const inputs = problem(1024, 4096);
  for (let i = 0; i < 4; i++) void crossEntropy(inputs, { grads: true, softcap: 5 });
  endings[workerData]();
}
