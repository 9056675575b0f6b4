// Results are the caller's: they can be transferred to another thread and arrive whole. What a job in flight reads, or
// writes of the caller's, cannot be taken away.

import { crossEntropy, crossEntropySync } from 'cutloss';
import { must, problem } from './work.mjs';

const rows = 128;
const classes = 1024; // far beyond what runs inline
const options = { grads: true, reduction: 'none', outputs: ['logProb', 'lse', 'entropy', 'argmax'] };
const tensors = ({ grads, perItem, logProb, lse, entropy, argmax }) => [
  grads.logits,
  perItem,
  logProb,
  lse,
  entropy,
  argmax,
];

async function arriveWhole(results, name) {
  for (const [i, tensor] of tensors(results).entries()) {
    const data = tensor.dataSync();
    const before = data.slice();
    const arrived = structuredClone(data, { transfer: [data.buffer] });
    must(data.length === 0, `result ${i}, ${name}: it was copied instead of transferred`);
    must(Buffer.from(arrived.buffer).equals(Buffer.from(before.buffer)), `result ${i}, ${name}: it is whole`);
    try {
      tensor.dataSync();
      must(false, `result ${i}, ${name}: it is there after it was transferred`);
    } catch (error) {
      must(error.code === 'ERR_CUTLOSS_DETACHED', `${error.stack}`);
    }
  }
}

const { signal } = new AbortController();
const byFunction = (logProbs) => ({
  loss: logProbs.map((logP) => -logP),
  weights: new Float32Array(rows).fill(1),
});
for (const [name, more] of Object.entries({
  plain: {},
  signal: { signal },
  copy: { copy: true },
  'two passes': { objective: byFunction },
})) {
  const all = { ...options, ...more };
  await arriveWhole(crossEntropySync(problem(rows, classes), all), `sync, ${name}`);
  await arriveWhole(await crossEntropy(problem(rows, classes), all), `awaited, ${name}`);
}

/** Tries to take the buffer away, and says whether it stayed: Node 20 copies it, later versions refuse. */
function stays(array) {
  try {
    structuredClone(array.buffer, { transfer: [array.buffer] });
  } catch (error) {
    must(error.name === 'DataCloneError', `${error.stack}`);
  }
  return array.length > 0;
}

const memory = () => new Float32Array(rows * classes);
const right = crossEntropySync(problem(rows, classes), options);
for (const more of [{}, { signal }, { copy: true }]) {
  const inputs = problem(rows, classes);
  inputs.weights = { data: new Float32Array(rows).fill(1), shape: [rows] };
  const out = memory();
  const pending = crossEntropy(inputs, {
    ...options,
    ...more,
    out: { logits: { data: out, shape: [rows, classes] } },
  });
  must(stays(out), 'out stays while it is written');
  for (const [name, { data }] of Object.entries(inputs))
    must(stays(data) !== (more.copy === true), `${name} stays exactly where it is not copied`);
  const { loss } = await pending;
  must(loss === right.loss, `${loss} instead of ${right.loss}`);
  must(out.every(Number.isFinite) && out.some((value) => value !== 0), 'out holds the gradient');
}
