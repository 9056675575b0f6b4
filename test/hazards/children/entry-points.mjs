// One call of every entry point that computes, large enough to be worth a thread: what is asked of each of them (memory
// that fails, leaks, aborts, the same bits every time) is asked here. test/meta.test.ts says if one is missing.

import { createHash } from 'node:crypto';
import * as cutloss from 'cutloss';
import { problem } from './inputs.mjs';

const noise = (count, seed) =>
  Float32Array.from({ length: count }, (_, i) => (((i + seed) * 7919) % 1013) / 200 - 2.5);
const size = (shape) => shape.reduce((a, b) => a * b);
const field = (seed, ...shape) => ({ data: noise(size(shape), seed), shape });
const flags = (seed, ...shape) => ({ data: noise(size(shape), seed).map((x) => Number(x > 0)), shape });
const ids = (classes, ...shape) => ({
  data: Int32Array.from({ length: size(shape) }, (_, i) => (i >> 3) % classes),
  shape,
});

const grads = true;
const first = { layout: 'channelsFirst', grads };
const regions = { predictions: field(3, 2, 5, 40, 30), targets: ids(5, 2, 40, 30) };
const labelled = { predictions: regions.predictions, targets: flags(4, 2, 5, 40, 30) };
const planes = { prediction: field(5, 2, 24, 20), target: field(6, 2, 24, 20) };
const bodies = { prediction: field(5, 2, 9, 8, 7), target: field(6, 2, 9, 8, 7) };
const masks = { threshold: 0 };

/** The arguments of each, made when they are asked for. */
const calls = {
  crossEntropy: () => [problem(64, 900), { grads, outputs: ['lse', 'entropy'] }],
  cutCrossEntropy: () => [
    { hidden: field(1, 96, 40), classifier: field(2, 700, 40), targets: ids(700, 96) },
    { grads, gradientFilter: 'both' },
  ],
  dice: () => [regions, { ...first, crossEntropy: 0.5 }],
  jaccard: () => [regions, first],
  tversky: () => [regions, { ...first, alpha: 0.3, beta: 0.7 }],
  generalizedDice: () => [regions, first],
  selfAdjustingDice: () => [regions, first],
  anyLoss: () => [labelled, { ...first, activation: 'sigmoid', metric: 'mcc' }],
  asymmetric: () => [labelled, first],
  lovasz: () => [regions, first],
  skeletonRecall: () => [regions, first],
  softClDice: () => [regions, first],
  regionMoments: () => [regions, { layout: 'channelsFirst' }],
  regionLoss: () => ['dice', cutloss.regionMomentsSync(regions, { layout: 'channelsFirst' }), regions, first],
  persistence: () => [bodies.prediction, {}],
  bettiMatching: () => [planes, { grads }],
  prepareTarget: () => [planes.target, {}],
  bettiNumbers: () => [bodies.prediction, masks],
  bettiNumberError: () => [planes, masks],
  bettiMatchingError: () => [planes, masks],
};

const exported = new Map(Object.entries(cutloss));
export const entryPoints = Object.keys(calls);
export const forms = ['sync', 'async'];

/** A function that calls an entry point, always with the same arguments. */
export function caller(name, form = 'async') {
  const given = calls[name]();
  const call = exported.get(form === 'sync' ? `${name}Sync` : name);
  return (more) => (more ? call(...given.slice(0, -1), { ...given.at(-1), ...more }) : call(...given));
}

/** All numbers of a result, as a word that is the same only for the same bits. */
export function bitsOf(result) {
  const hash = createHash('sha256');
  const add = (value) => {
    if (value instanceof cutloss.Tensor) return add(value.dataSync());
    if (ArrayBuffer.isView(value))
      return hash.update(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    if (typeof value !== 'object' || value === null) return hash.update(String(value));
    for (const entry of Object.entries(value)) entry.map(add);
  };
  add(result);
  return hash.digest('hex').slice(0, 16);
}
