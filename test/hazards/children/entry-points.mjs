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
const masks = { threshold: 0 };

/** The arguments of each, made when they are asked for. */
const callsOf = ({ rows, classes, dim, cutClasses, image, plane, body }) => {
  const regions = () => ({
    predictions: field(3, ...image),
    targets: ids(image[1], image[0], ...image.slice(2)),
  });
  const labelled = () => ({ predictions: field(3, ...image), targets: flags(4, ...image) });
  const planes = () => ({ prediction: field(5, ...plane), target: field(6, ...plane) });
  return {
    crossEntropy: () => [problem(rows, classes), { grads, outputs: ['lse', 'entropy'] }],
    cutCrossEntropy: () => [
      {
        hidden: field(1, 2 * rows, dim),
        classifier: field(2, cutClasses, dim),
        targets: ids(cutClasses, 2 * rows),
      },
      { grads, gradientFilter: 'both' },
    ],
    dice: () => [regions(), { ...first, crossEntropy: 0.5 }],
    jaccard: () => [regions(), first],
    tversky: () => [regions(), { ...first, alpha: 0.3, beta: 0.7 }],
    generalizedDice: () => [regions(), first],
    selfAdjustingDice: () => [regions(), first],
    anyLoss: () => [labelled(), { ...first, activation: 'sigmoid', metric: 'mcc' }],
    asymmetric: () => [labelled(), first],
    lovasz: () => [regions(), first],
    skeletonRecall: () => [regions(), first],
    softClDice: () => [regions(), first],
    regionMoments: () => [regions(), { layout: 'channelsFirst' }],
    regionLoss: () => [
      'dice',
      cutloss.regionMomentsSync(regions(), { layout: 'channelsFirst' }),
      regions(),
      first,
    ],
    persistence: () => [field(5, ...body), {}],
    bettiMatching: () => [planes(), { grads }],
    prepareTarget: () => [field(6, ...plane), {}],
    bettiNumbers: () => [field(5, ...body), masks],
    bettiNumberError: () => [planes(), masks],
    bettiMatchingError: () => [planes(), masks],
  };
};

const usual = {
  rows: 64,
  classes: 900,
  dim: 40,
  cutClasses: 700,
  image: [2, 5, 40, 30],
  plane: [2, 24, 20],
  body: [2, 9, 8, 7],
};
const tiny = {
  rows: 2,
  classes: 5,
  dim: 3,
  cutClasses: 7,
  image: [1, 2, 3, 4],
  plane: [1, 3, 3],
  body: [1, 2, 3, 2],
};
const calls = callsOf(usual);
const tinyCalls = callsOf(tiny);

const exported = new Map(Object.entries(cutloss));
export const entryPoints = Object.keys(calls);
export const forms = ['sync', 'async'];

/** A function that calls an entry point, always with the same arguments. */
export const caller = (name, form = 'async') => callerOf(calls, name, form);

/** The same with arguments of a few elements. */
export const tinyCaller = (name, form = 'async') => callerOf(tinyCalls, name, form);

function callerOf(calls, name, form) {
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
