// The cost of a small call, in microseconds: the mean of the best of many batches, synchronous and awaited, on [32, 10];
// and, to tell how fast this machine is, that of the same loss and gradient in plain JavaScript.

import { crossEntropy, crossEntropySync } from 'cutloss';
import { problem } from './work.mjs';

const inputs = problem(32, 10);
const options = { grads: true };
const batches = 60;
const calls = 200;

const [rows, classes] = inputs.logits.shape;
const logits = inputs.logits.data;
const ids = inputs.targets.data;

function inPlainJavaScript() {
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * classes;
    let most = -Infinity;
    let sum = 0;
    for (let j = 0; j < classes; j++) most = Math.max(most, logits[at + j]);
    for (let j = 0; j < classes; j++) {
      gradient[at + j] = Math.exp(logits[at + j] - most);
      sum += gradient[at + j];
    }
    for (let j = 0; j < classes; j++) gradient[at + j] /= sum * rows;
    gradient[at + ids[row]] -= 1 / rows;
    loss += (Math.log(sum) + most - logits[at + ids[row]]) / rows;
  }
  return { loss, gradient };
}

const sync = [];
const awaited = [];
const plain = [];
for (let batch = 0; batch < batches; batch++) {
  let started = performance.now();
  for (let i = 0; i < calls; i++) crossEntropySync(inputs, options);
  sync.push(((performance.now() - started) * 1000) / calls);
  started = performance.now();
  for (let i = 0; i < calls; i++) await crossEntropy(inputs, options);
  awaited.push(((performance.now() - started) * 1000) / calls);
  started = performance.now();
  for (let i = 0; i < calls; i++) inPlainJavaScript();
  plain.push(((performance.now() - started) * 1000) / calls);
}
console.log(
  JSON.stringify({ sync: Math.min(...sync), awaited: Math.min(...awaited), plain: Math.min(...plain) }),
);
