// Jobs aborted at random moments. argv: of which loss, and how many. Each settles once, with signal.reason or the right answer; `out` is
// untouched or complete; no listener is left on the signal.

import { getEventListeners } from 'node:events';
import { bettiMatching, bettiMatchingSync, crossEntropy, crossEntropySync } from 'cutloss';
import { must, problem, sleep } from './work.mjs';

const [, , loss, count] = process.argv;
const rounds = Number(count);
const field = (shape) => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, Math.random),
  shape,
});
const { run, runSync, inputs, options, name } = {
  crossEntropy: {
    run: crossEntropy,
    runSync: crossEntropySync,
    inputs: problem(400, 4096),
    options: { grads: true, softcap: 20 },
    name: 'logits',
  },
  bettiMatching: {
    run: bettiMatching,
    runSync: bettiMatchingSync,
    inputs: { prediction: field([1, 40, 40, 40]), target: field([1, 40, 40, 40]) },
    options: { grads: true },
    name: 'prediction',
  },
}[loss];
const { shape } = inputs[name];
const size = shape.reduce((a, b) => a * b);
const right = runSync(inputs, options);
const rightGradient = Buffer.from(right.grads[name].dataSync().buffer);
const started = performance.now();
await run(inputs, options);
const duration = performance.now() - started;

const waits = [];
let finished = 0;
let aborted = 0;
for (let i = 0; i < rounds; i++) {
  const controller = new AbortController();
  const { signal } = controller;
  const reason = i % 2 ? new Error(`abort ${i}`) : { number: i };
  const memory = new Float32Array(size).fill(7);
  let settled = 0;
  const call = run(inputs, { ...options, signal, out: { [name]: { data: memory, shape } } });
  const outcome = call.then(
    (result) => ({ result, settled: ++settled }),
    (error) => ({ error, settled: ++settled }),
  );
  const pause = Math.random() * duration * 1.3;
  if (i % 8 === 0) await null;
  else if (pause > 1) await sleep(pause);
  const at = performance.now();
  controller.abort(reason);
  const { result, error } = await outcome;
  waits.push(performance.now() - at);
  controller.abort(new Error('too late'));
  if (i % 16 === 0) await sleep(2);
  must(settled === 1, 'the promise settles once');
  must(getEventListeners(signal, 'abort').length === 0, 'no listener is left');
  if (result) {
    must(
      result.loss === right.loss && Buffer.from(memory.buffer).equals(rightGradient),
      'what finished is complete and right',
    );
    finished++;
  } else {
    must(error === reason, `it rejects with the reason itself: ${error?.stack ?? error}`);
    must(
      memory.every((value) => value === 7),
      'out is untouched',
    );
    aborted++;
  }
}

// already aborted, before any work and even for a tiny problem
for (const shape of [
  [400, 4096],
  [2, 3],
]) {
  const reason = new Error('beforehand');
  const error = await crossEntropy(problem(...shape), {
    grads: true,
    signal: AbortSignal.abort(reason),
  }).catch((e) => e);
  must(error === reason, `an aborted signal rejects at once: ${error}`);
}
const timeout = await crossEntropy(problem(3000, 4096), {
  signal: AbortSignal.timeout(1),
}).catch((e) => e);
must(timeout.name === 'TimeoutError' || timeout.loss > 0, `AbortSignal.timeout works: ${timeout}`);

waits.sort((a, b) => a - b);
console.log(
  JSON.stringify({ aborted, finished, p99: waits[Math.floor(0.99 * (waits.length - 1))], duration }),
);
