// Ends in one of many ways while the engine is idle, in a synchronous step, in an asynchronous one, or busy in a worker.
// argv: ending, state. With CONTROL=1 the same script runs without the package: what Node itself prints and returns.

import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const [ending, state] = process.argv.slice(2);
const control = process.env.CONTROL === '1';

const onPurpose = () => {
  const error = new Error('on purpose');
  error.stack = 'Error: on purpose';
  return error;
};
const waitForSignal = () => writeSync(1, 'go\n');

const endings = {
  dry: () => {},
  exitCode: () => {
    process.exitCode = 3;
  },
  exit: () => process.exit(7),
  exitSoon: () => setImmediate(() => process.exit(8)),
  beforeExit: () => process.once('beforeExit', () => process.exit(9)),
  throw: () => {
    throw onPurpose();
  },
  rejection: () => {
    void Promise.reject(onPurpose());
  },
  SIGTERM: waitForSignal,
  SIGINT: waitForSignal,
  SIGHUP: waitForSignal,
  SIGKILL: waitForSignal,
  abort: () => process.abort(),
};
const end = endings[ending];
const endLater = () => (ending === 'throw' ? setImmediate(end) : end()); // from nobody's promise
const bySignal = ending.startsWith('SIG');
const stay = () => setInterval(() => {}, 1000); // until the signal comes

async function main() {
  const cutloss = control ? undefined : await import('cutloss');
  const { problem } = await import('./inputs.mjs');
  const inputs = problem(1024, 4096);
  cutloss?.crossEntropySync(inputs);

  if (state === 'idle') {
    if (bySignal) stay();
    endLater();
  } else if (state === 'sync') {
    if (bySignal) {
      end();
      const until = performance.now() + 1500; // the signal comes while the thread is in native code
      while (performance.now() < until) cutloss?.crossEntropySync(inputs, { grads: true, softcap: 5 });
      stay();
    } else {
      const objective = (logProbs) => {
        end();
        return { loss: logProbs.map((x) => -x), weights: new Float32Array(logProbs.length).fill(1) };
      };
      if (control) objective(new Float32Array(4));
      else cutloss.crossEntropySync(inputs, { grads: true, objective });
    }
  } else if (state === 'async') {
    for (let i = 0; i < 4; i++) void cutloss?.crossEntropy(inputs, { grads: true, softcap: 5 });
    if (bySignal) stay();
    endLater();
  } else {
    const worker = new Worker(new URL(control ? './idle-worker.mjs' : './busy-worker.mjs', import.meta.url), {
      workerData: 1,
    });
    await new Promise((resolve) => worker.once('message', resolve));
    worker.unref(); // the main thread may run dry while the worker is busy
    if (bySignal) stay();
    endLater();
  }
}

void main();
