// The package in unusual company. argv: which.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import { problem } from './inputs.mjs';
import { must } from './must.mjs';

const require = createRequire(import.meta.url);
const plain = problem(64, 512);
const lossOf = ({ crossEntropySync }) => crossEntropySync(plain, { grads: true }).loss;

/** What a worker said last and how it ended. */
function outcome(worker) {
  return new Promise((done, fail) => {
    let message;
    worker.on('message', (said) => (message = said)).once('error', fail);
    worker.once('exit', (code) => done({ message, code }));
  });
}

const scenes = {
  /** import and require see the same classes, errors and tensors. */
  async both() {
    const esm = await import('cutloss');
    const cjs = require('cutloss');
    must(lossOf(esm) === lossOf(cjs), 'both compute the same');
    must(
      Object.keys(cjs).every((name) => name in esm),
      'ESM exports what CommonJS does',
    );
    must(
      Object.keys(esm).every((name) => name === 'default' || name in cjs),
      'and the other way round',
    );
    const tensor = cjs.tensor(plain.logits.data, plain.logits.shape);
    must(
      esm.crossEntropySync({ ...plain, logits: tensor }).loss === lossOf(cjs),
      "one takes the other's tensors",
    );
    try {
      cjs.crossEntropySync({});
      must(false, 'that should have failed');
    } catch (error) {
      must(error instanceof esm.CutlossError, 'one knows the errors of the other');
    }
    const jobs = [esm, cjs, esm, cjs].map(({ crossEntropy }) => crossEntropy(plain, { grads: true }));
    must(
      (await Promise.all(jobs)).every(({ loss }) => loss === lossOf(esm)),
      'jobs of both run together',
    );
  },

  /** Another copy of the package, from the folder in argv, beside the first. */
  async copies() {
    const one = await import('cutloss');
    const two = await import(pathToFileURL(resolve(process.argv[3], 'dist/index.js')).href);
    must(one.crossEntropySync !== two.crossEntropySync, 'they are two copies');
    const jobs = [one, two, one, two].map(({ crossEntropy }) => crossEntropy(plain, { grads: true }));
    const losses = (await Promise.all(jobs)).map(({ loss }) => loss);
    must(new Set([...losses, lossOf(one), lossOf(two)]).size === 1, `they agree: ${losses}`);
    const foreign = one.tensor(plain.logits.data, plain.logits.shape);
    try {
      const { loss } = two.crossEntropySync({ ...plain, logits: foreign });
      must(loss === losses[0], "the other's tensor is computed rightly");
    } catch (error) {
      must(error instanceof two.CutlossError, `or refused with a typed error: ${error.stack}`);
    }
  },

  /** Arrays, objects and functions of another realm, and the package required from inside it. */
  async context() {
    const cutloss = require('cutloss');
    const context = vm.createContext({ require, plain, cutloss });
    const inside = vm.runInContext(
      `const logits = { data: Float32Array.from(plain.logits.data), shape: [64, 512] };
       const targets = { data: Int32Array.from(plain.targets.data), shape: [64] };
       const objective = (logProbs) => ({ loss: Float32Array.from(logProbs, (x) => -x), weights: new Float32Array(logProbs.length).fill(1) });
       const run = (options) => cutloss.crossEntropySync({ logits, targets }, options).loss;
       [run({ grads: ['logits'] }), run({ objective }), run({ outputs: ['lse'] }), require('cutloss').crossEntropySync({ logits, targets }).loss]`,
      context,
    );
    for (const loss of inside)
      must(Math.abs(loss - lossOf(cutloss)) < 1e-6, `${loss} instead of ${lossOf(cutloss)}`);
    const pending = vm.runInContext(
      `cutloss.crossEntropy({ logits, targets }, { grads: true, out: { logits: { data: new Float32Array(64 * 512), shape: [64, 512] } } })`,
      context,
    );
    must((await pending).loss === lossOf(cutloss), 'asynchronously too');
  },

  /** Loaded only in workers, one after another: nothing is left of the first when the second comes. */
  async workersOnly() {
    for (let i = 0; i < 12; i++) {
      const script = `
        const { crossEntropy } = require('cutloss');
        const { workerData, parentPort } = require('node:worker_threads');
        crossEntropy(workerData, { grads: true }).then(({ loss }) => parentPort.postMessage(loss));`;
      const { message, code } = await outcome(new Worker(script, { eval: true, workerData: plain }));
      must(message > 0 && message < 100, `${message} is a loss`);
      must(code === 0, `the worker ended with ${code}`);
    }
  },

  /** Eight threads load and compute at once. */
  async workersTogether() {
    const script = `
      const { crossEntropy, crossEntropySync } = require('cutloss');
      const { workerData, parentPort } = require('node:worker_threads');
      Promise.all([crossEntropy(workerData), crossEntropy(workerData)]).then(([a, b]) =>
        parentPort.postMessage([a.loss, b.loss, crossEntropySync(workerData).loss]));`;
    const workers = Array.from({ length: 8 }, () => new Worker(script, { eval: true, workerData: plain }));
    const outcomes = await Promise.all(workers.map(outcome));
    must(
      outcomes.every(({ code }) => code === 0),
      'all end well',
    );
    must(
      new Set(outcomes.flatMap(({ message }) => message)).size === 1,
      `all agree: ${JSON.stringify(outcomes)}`,
    );
  },

  /** require.cache emptied and the package loaded again in the same thread, many times. */
  async again() {
    const first = lossOf(require('cutloss'));
    for (let i = 0; i < Number(process.argv[3]); i++) {
      for (const name of Object.keys(require.cache)) delete require.cache[name];
      must(lossOf(require('cutloss')) === first, 'the same answer each time');
    }
  },
};

await scenes[process.argv[2]]();
