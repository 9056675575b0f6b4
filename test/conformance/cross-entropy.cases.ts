// The cases of crossEntropy: sizes around every tile and vector length, logits that caught other implementations, each
// option alone and all at once, every objective.

import type { RowCase } from './cases.js';

const sizes: RowCase[] = [
  ...[1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 127, 507, 1000].map((classes) => ({
    name: `V = ${classes}`,
    shape: [5, classes],
  })),
  { name: 'V = 50257', shape: [3, 50257] },
  { name: 'V = 152064', shape: [1, 152064], logits: { normal: 1 } },
  ...[0, 1, 127, 128, 129].map((rows) => ({ name: `N = ${rows}`, shape: [rows, 65] })),
  { name: 'many rows of two classes', shape: [5000, 2] },
  { name: 'one row as a vector', shape: [9], targets: 'ids' as const },
  { name: 'leading shape [2, 3, 4]', shape: [2, 3, 4, 11] },
  { name: 'more elements than one tile of every thread', shape: [700, 1009] },
];

const logits: RowCase[] = [
  { name: 'all logits -1e4', shape: [4, 507], logits: { constant: -1e4 } },
  { name: 'all logits -1e12', shape: [4, 507], logits: { constant: -1e12 } },
  {
    name: 'a mask of the least float32 all over',
    shape: [3, 1000],
    logits: { constant: -3.4028234663852886e38 },
  },
  { name: 'ties far from zero', shape: [5, 300], logits: { either: [3e30, -3e30] } },
  {
    name: 'ties blown up by a small temperature',
    shape: [3, 40],
    logits: { either: [1, 0.5] },
    options: { temperature: 1e-20, labelSmoothing: 0.1 },
  },
  { name: 'all logits +1e4', shape: [4, 507], logits: { constant: 1e4 } },
  { name: 'logits of -1e4 and +1e4', shape: [9, 507], logits: { either: [-1e4, 1e4] } },
  { name: 'all equal: log V', shape: [4, 1000], logits: { constant: 0.7 } },
  { name: 'far from zero', shape: [9, 100], logits: { normal: 2, around: 300 } },
  { name: 'far below zero', shape: [9, 100], logits: { normal: 2, around: -300 } },
  { name: 'wide', shape: [9, 507], logits: { normal: 30 } },
  { name: 'narrow', shape: [9, 507], logits: { normal: 1e-3 } },
  ...[10, 20, 40, 80].flatMap((margin) => [
    { name: `p -> 1 with margin ${margin}`, shape: [6, 50], logits: { margin } },
    { name: `p -> 1 with margin ${margin} and noise`, shape: [6, 507], logits: { margin, jitter: 0.5 } },
  ]),
  { name: 'p -> 0 with margin -40', shape: [6, 50], logits: { margin: -40, jitter: 1 } },
  { name: '-inf logits as a mask', shape: [9, 101], logits: { normal: 3, mask: 3 } },
  { name: 'all but the target masked in two classes', shape: [5, 2], logits: { normal: 3, mask: 1 } },
  {
    name: 'softcap with saturated logits',
    shape: [6, 40],
    logits: { normal: 300 },
    options: { softcap: 15 },
  },
  { name: 'softcap far above every logit', shape: [6, 40], options: { softcap: 1e4 } },
];

const counting: RowCase[] = [
  { name: 'some rows ignored', shape: [40, 30], targets: 'someIgnored' },
  { name: 'all rows ignored', shape: [6, 30], targets: 'allIgnored' },
  {
    name: 'all rows ignored, with everything',
    shape: [6, 30],
    targets: 'allIgnored',
    weights: 'positive',
    classWeights: true,
    options: { labelSmoothing: 0.1, zLoss: 0.1 },
  },
  { name: 'one row counts', shape: [6, 30], targets: 'oneCounts' },
  { name: 'ignoreIndex inside the classes', shape: [60, 5], options: { ignoreIndex: 2 } },
  {
    name: 'ignoreIndex 0 with class weights',
    shape: [60, 5],
    classWeights: true,
    options: { ignoreIndex: 0, labelSmoothing: 0.2 },
  },
  { name: 'shift 1', shape: [3, 5, 12], targets: 'someIgnored', options: { shift: 1 } },
  {
    name: 'shift 2 with weights',
    shape: [2, 2, 5, 12],
    weights: 'positive',
    classWeights: true,
    options: { shift: 2 },
  },
  { name: 'shift as long as the sequence', shape: [2, 3, 12], options: { shift: 3 } },
  { name: 'int64 ids', shape: [20, 300], ids: 'int64', targets: 'someIgnored' },
  { name: 'uint8 ids', shape: [20, 256], ids: 'uint8', options: { ignoreIndex: 7 } },
  {
    name: 'int64 ignoreIndex beyond int32',
    shape: [20, 30],
    ids: 'int64',
    targets: 'someIgnored',
    options: { ignoreIndex: -5e9 },
  },
];

const none = { reduction: 'none' };
const options: RowCase[] = [
  { name: 'sum', shape: [20, 30], options: { reduction: 'sum' } },
  { name: 'none', shape: [4, 5, 30], targets: 'someIgnored', options: none },
  { name: 'divisor', shape: [20, 30], options: { divisor: 77 } },
  {
    name: 'divisor with weights',
    shape: [20, 30],
    weights: 'positive',
    classWeights: true,
    options: { divisor: 0.5 },
  },
  { name: 'weights', shape: [20, 30], weights: 'positive' },
  { name: 'weights, some zero', shape: [20, 30], weights: 'someZero', targets: 'someIgnored' },
  { name: 'weights, some negative', shape: [20, 30], weights: 'someNegative' },
  { name: 'class weights', shape: [20, 30], classWeights: true },
  { name: 'both weights, none', shape: [20, 30], weights: 'positive', classWeights: true, options: none },
  { name: 'upstream 1024', shape: [20, 30], upstream: 1024 },
  { name: 'upstream -0.3', shape: [20, 30], upstream: -0.3 },
  { name: 'upstream exactly 0', shape: [20, 30], upstream: 0 },
  { name: 'upstream of each row', shape: [20, 30], upstream: 'each', options: none },
  { name: 'upstream of each row, some zero', shape: [20, 30], upstream: 'someZero', options: none },
  { name: 'upstream of each row, all zero', shape: [20, 30], upstream: 'zero', options: none },
  { name: 'one upstream for every item', shape: [20, 30], upstream: 3, options: none },
  ...[0.1, 0.9, 1].map((labelSmoothing) => ({
    name: `label smoothing ${labelSmoothing}`,
    shape: [20, 507],
    options: { labelSmoothing },
  })),
  {
    name: 'label smoothing with class weights',
    shape: [20, 30],
    classWeights: true,
    weights: 'positive',
    options: { labelSmoothing: 0.2 },
  },
  {
    name: 'label smoothing far from zero',
    shape: [5, 100],
    logits: { normal: 1, around: 500 },
    options: { labelSmoothing: 0.1 },
  },
  { name: 'z-loss', shape: [20, 507], options: { zLoss: 1e-3 } },
  {
    name: 'z-loss with both weights',
    shape: [20, 30],
    weights: 'positive',
    classWeights: true,
    options: { zLoss: 0.1 },
  },
  { name: 'softcap', shape: [20, 507], options: { softcap: 5 } },
  { name: 'temperature 0.5', shape: [20, 507], options: { temperature: 0.5 } },
  { name: 'temperature 3', shape: [20, 507], options: { temperature: 3 } },
  { name: 'softcap and temperature', shape: [20, 507], options: { softcap: 10, temperature: 0.3 } },
  {
    name: 'everything at once',
    shape: [3, 8, 101],
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    upstream: -2,
    options: { labelSmoothing: 0.1, zLoss: 1e-2, softcap: 8, temperature: 0.7, shift: 1, divisor: 13 },
  },
  {
    name: 'everything at once, for each item',
    shape: [3, 8, 101],
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    upstream: 'each',
    options: { labelSmoothing: 0.1, zLoss: 1e-2, softcap: 8, temperature: 0.7, shift: 1, reduction: 'none' },
  },
];

const probabilities: RowCase[] = [
  { name: 'probabilities', shape: [20, 30], targets: 'probabilities' },
  { name: 'probabilities, V = 1', shape: [3, 1], targets: 'probabilities' },
  { name: 'probabilities, V = 507', shape: [9, 507], targets: 'probabilities' },
  { name: 'probabilities, N = 0', shape: [0, 5], targets: 'probabilities' },
  {
    name: 'probabilities, none',
    shape: [2, 6, 30],
    targets: 'probabilities',
    upstream: 'each',
    options: none,
  },
  {
    name: 'probabilities with smoothing',
    shape: [20, 30],
    targets: 'probabilities',
    options: { labelSmoothing: 0.2 },
  },
  {
    name: 'probabilities with everything',
    shape: [20, 101],
    targets: 'probabilities',
    weights: 'positive',
    classWeights: true,
    upstream: 2,
    options: { labelSmoothing: 0.1, zLoss: 1e-2, softcap: 8, temperature: 0.7, divisor: 13 },
  },
];

const kinds: Record<string, unknown>[] = [
  { kind: 'focal' },
  { kind: 'focal', gamma: 0 },
  { kind: 'focal', gamma: 0.5 },
  { kind: 'focal', detach: true },
  { kind: 'poly1' },
  { kind: 'poly1', epsilon: -1 },
  { kind: 'poly1', epsilon: 2 },
  { kind: 'generalized' },
  { kind: 'generalized', q: 0.01 },
  { kind: 'generalized', truncateAt: 0.3 },
  { kind: 'compSum', tau: 0 },
  { kind: 'compSum', tau: 1 },
  { kind: 'compSum', tau: 1.5 },
  { kind: 'meanAbsolute' },
  { kind: 'symmetric' },
  { kind: 'symmetric', alpha: 6, beta: 0.1 },
  { kind: 'encouraging' },
  { kind: 'encouraging', end: 0.5 },
];
const objectives: RowCase[] = [
  { name: 'objective crossEntropy by name', shape: [20, 10], options: { objective: 'crossEntropy' } },
  ...kinds.flatMap((objective): RowCase[] => {
    const label = JSON.stringify(objective).replace(/["{}]/g, '').replace('kind:', '');
    return [
      { name: `objective ${label}`, shape: [40, 10], logits: { normal: 2 }, options: { objective } },
      {
        name: `objective ${label}, p -> 1`,
        shape: [4, 50],
        logits: { margin: 20, jitter: 0.5 },
        options: { objective },
      },
      {
        name: `objective ${label} with weights, z-loss and softcap`,
        shape: [40, 100],
        targets: 'someIgnored',
        weights: 'positive',
        classWeights: true,
        upstream: 'each',
        options: { objective, zLoss: 1e-3, softcap: 10, reduction: 'none' },
      },
    ];
  }),
  ...[1, 4, 64].map((n) => ({
    name: `objective passAtN, n ${n}`,
    shape: [24, 10],
    logits: { normal: 2 },
    targets: 'someIgnored' as const,
    passAtN: { n, length: 3 },
  })),
  {
    name: 'objective passAtN with weights',
    shape: [4, 6, 10],
    weights: 'positive',
    classWeights: true,
    passAtN: { n: 8, length: 3 },
    options: { zLoss: 1e-3 },
  },
];

export const crossEntropyCases: readonly RowCase[] = [
  ...sizes,
  ...logits,
  ...counting,
  ...options,
  ...probabilities,
  ...objectives,
];
