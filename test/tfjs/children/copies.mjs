// Two copies of the package in one process, each with a binary of its own, and workers that use either: all compute.

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { bind } from 'cutloss/tfjs';
import { load } from './load.mjs';

const name = isMainThread ? process.argv[2] : workerData.name;
const tf = await load(name);

function compute(who, losses) {
  const logits = tf.tensor([[Math.log(3), 0]]);
  const gradient = tf.grad((x) => losses.crossEntropy({ reduction: 'sum' })(tf.tensor([1], [1], 'int32'), x));
  console.log(who, (gradient(logits).dataSync()[0] - 0.25).toFixed(1));
}

function worker() {
  return new Promise((resolve, reject) => {
    const thread = new Worker(fileURLToPath(import.meta.url), { workerData: { name } });
    thread.once('error', reject).once('exit', resolve);
  });
}

if (isMainThread) {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-copy-'));
  try {
    mkdirSync(join(folder, 'build'));
    for (const path of ['package.json', 'dist', 'build/Release/cutloss.node'])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    compute('main', bind(tf));
    compute('second copy', createRequire(join(folder, 'index.js'))('./dist/cjs/tfjs/index.js').bind(tf));
    await worker();
    await worker();
    compute('main', bind(tf));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  compute('worker', bind(tf));
}
