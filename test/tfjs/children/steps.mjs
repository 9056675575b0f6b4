// 1,000 steps of training, after a few that warm up: what they leave in tensors and in memory.

import { bind } from 'cutloss/tfjs';
import { load } from './load.mjs';

const tf = await load(process.argv[2]);
const losses = bind(tf);
const inputs = tf.randomNormal([32, 8], 0, 1, 'float32', 7);
const targets = tf.randomUniform([32], 0, 50, 'int32', 7);
const weights = tf.variable(tf.randomNormal([8, 50], 0, 1, 'float32', 7));
const optimizer = tf.train.sgd(0.5);
const loss = losses.crossEntropy({ labelSmoothing: 0.1 });
const perItem = losses.crossEntropy({ reduction: 'none' });

function step(i) {
  const value = optimizer.minimize(() => {
    const logits = tf.matMul(inputs, weights);
    return i % 2 === 0 ? loss(targets, logits) : tf.mean(perItem(targets, logits));
  }, true);
  const [number] = value.dataSync();
  value.dispose();
  return number;
}

async function resident() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return process.memoryUsage.rss();
}

const first = step(0);
for (let i = 0; i < 500; i++) step(i);
const before = { tensors: tf.memory().numTensors, bytes: await resident() };
for (let i = 0; i < 1000; i++) step(i);
const tensors = tf.memory().numTensors - before.tensors;
const bytes = (await resident()) - before.bytes;
console.log(JSON.stringify({ tensors, bytes, falls: step(0) < first }));
