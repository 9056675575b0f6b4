// The cost of a small call, in microseconds: the mean of the best of many batches, synchronous and awaited, on [32, 10].

import { crossEntropy, crossEntropySync } from 'cutloss';
import { problem } from './work.mjs';

const inputs = problem(32, 10);
const options = { grads: true };
const batches = 60;
const calls = 200;

const sync = [];
const awaited = [];
for (let batch = 0; batch < batches; batch++) {
  let started = performance.now();
  for (let i = 0; i < calls; i++) crossEntropySync(inputs, options);
  sync.push(((performance.now() - started) * 1000) / calls);
  started = performance.now();
  for (let i = 0; i < calls; i++) await crossEntropy(inputs, options);
  awaited.push(((performance.now() - started) * 1000) / calls);
}
console.log(JSON.stringify({ sync: Math.min(...sync), awaited: Math.min(...awaited) }));
