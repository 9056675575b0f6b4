// The cases of cutCrossEntropy: sizes around every tile, panel and block, products that caught other implementations, each
// option alone and all at once, every objective. What crossEntropy's cases settle about rows is not repeated.

import { encode, type FloatDType } from '../support/dtypes.js';
import { random } from '../support/random.js';
import { makeInputs, type RowCase, type RowInputs } from './cases.js';

/**
 * How hidden and classifier are made. `normal`: logits of that deviation. `margin`: the target's logit is that far above
 * the others, which are all 0 but for `jitter`. `either`: hidden is all ones, classifier rows are one of two constants.
 */
export type Factors =
  | { readonly normal: number }
  | { readonly margin: number; readonly jitter?: number }
  | { readonly either: readonly [number, number] };

export interface CutCase extends Omit<RowCase, 'shape' | 'logits' | 'targets'> {
  readonly shape: readonly [...leading: number[], dim: number];
  readonly classes: number;
  readonly factors?: Factors; // default { normal: 3 }
  readonly targets?: 'ids' | 'someIgnored' | 'allIgnored' | 'oneCounts';
  readonly bias?: 'normal' | 'mask'; // 'mask': every third class but the targets is -inf
}

export interface CutInputs extends Omit<RowInputs, 'storage' | 'logits' | 'probabilities'> {
  readonly dim: number;
  readonly hidden: Float32Array | Uint16Array;
  readonly classifier: Float32Array | Uint16Array;
  readonly bias?: Float32Array | Uint16Array;
}

export function makeCutInputs(item: CutCase, dtype: FloatDType): CutInputs {
  const { classes, factors = { normal: 3 }, bias } = item;
  const leading = item.shape.slice(0, -1);
  const dim = item.shape.at(-1) as number;
  // Targets, weights and the rest as for logits that exist; the logits themselves are not used.
  const rowCase = { ...item, shape: [...leading, classes], logits: { constant: 0 } };
  const { storage, logits, probabilities, ...rest } = makeInputs(rowCase as RowCase, dtype);
  const { rows } = rest;
  const { normal, pick } = random((item.seed ?? 1) + 1000);
  const hidden = new Float64Array(rows * dim);
  const classifier = new Float64Array(classes * dim);
  const targetOf = (row: number): number => Number(rest.targets?.[row] ?? 0);
  if ('normal' in factors) {
    hidden.forEach((_, i) => {
      hidden[i] = normal();
    });
    classifier.forEach((_, i) => {
      classifier[i] = (factors.normal * normal()) / Math.sqrt(dim);
    });
  } else if ('margin' in factors) {
    for (let row = 0; row < rows; row++) {
      hidden[row * dim + (row % dim)] = factors.margin;
      if (targetOf(row) >= 0) classifier[targetOf(row) * dim + (row % dim)] = 1;
    }
    if (factors.jitter !== undefined) {
      const size = factors.jitter / factors.margin;
      for (let i = 0; i < classifier.length; i++) if (classifier[i] === 0) classifier[i] = size * normal();
    }
  } else {
    hidden.fill(1);
    for (let j = 0; j < classes; j++) classifier.fill(pick(factors.either) / dim, j * dim, (j + 1) * dim);
  }
  const targets = new Set(Array.from(rest.targets ?? [], Number));
  const biasOf = (j: number): number =>
    bias === 'mask' && j % 3 === 1 && !targets.has(j) ? -Infinity : normal();
  return {
    ...rest,
    dim,
    hidden: encode(hidden, dtype),
    classifier: encode(classifier, dtype),
    ...(bias && {
      bias: encode(
        Float64Array.from({ length: classes }, (_, j) => biasOf(j)),
        dtype,
      ),
    }),
  };
}

const sizes: CutCase[] = [
  ...[1, 2, 15, 16, 17, 95, 96, 97, 192, 507].map((classes) => ({
    name: `V = ${classes}`,
    shape: [5, 12] as const,
    classes,
  })),
  { name: 'V = 50257', shape: [3, 5], classes: 50257, bias: 'normal' },
  { name: 'V = 152064', shape: [2, 3], classes: 152064 },
  ...[0, 1, 5, 6, 7, 63, 64, 65, 127, 128, 129].map((rows) => ({
    name: `N = ${rows}`,
    shape: [rows, 9] as const,
    classes: 65,
  })),
  ...[1, 7, 8, 63, 64, 65, 130].map((dim) => ({
    name: `D = ${dim}`,
    shape: [20, dim] as const,
    classes: 101,
  })),
  { name: 'D beyond one block, with bias', shape: [9, 2051], classes: 40, bias: 'normal' },
  { name: 'leading shape [2, 3, 4]', shape: [2, 3, 4, 6], classes: 11 },
  { name: 'one row as a vector', shape: [9], classes: 13 },
  { name: 'more rows than one pass', shape: [1500, 3], classes: 40, targets: 'someIgnored' },
];

const products: CutCase[] = [
  { name: 'all logits -1e4', shape: [4, 8], classes: 507, factors: { either: [-1e4, -1e4] } },
  { name: 'all logits +1e4', shape: [4, 8], classes: 507, factors: { either: [1e4, 1e4] } },
  { name: 'logits of -1e4 and +1e4', shape: [9, 8], classes: 507, factors: { either: [-1e4, 1e4] } },
  { name: 'all equal: log V', shape: [4, 8], classes: 1000, factors: { either: [0.75, 0.75] } },
  ...[10, 20, 40].flatMap((margin) => [
    { name: `p -> 1 with margin ${margin}`, shape: [6, 8] as const, classes: 50, factors: { margin } },
    {
      name: `p -> 1 with margin ${margin} and noise`,
      shape: [6, 8] as const,
      classes: 507,
      factors: { margin, jitter: 0.5 },
    },
  ]),
  { name: 'p -> 0 with margin -40', shape: [6, 8], classes: 50, factors: { margin: -40, jitter: 1 } },
  { name: '-inf bias as a mask', shape: [9, 8], classes: 101, bias: 'mask' },
  {
    name: 'softcap with saturated logits',
    shape: [6, 8],
    classes: 40,
    factors: { normal: 300 },
    options: { softcap: 15 },
  },
  { name: 'wide logits', shape: [9, 33], classes: 300, factors: { normal: 30 } },
];

const counting: CutCase[] = [
  { name: 'some rows ignored', shape: [140, 10], classes: 30, targets: 'someIgnored', bias: 'normal' },
  {
    name: 'all rows ignored, with everything',
    shape: [6, 10],
    classes: 30,
    targets: 'allIgnored',
    weights: 'positive',
    classWeights: true,
    bias: 'normal',
    options: { labelSmoothing: 0.1, zLoss: 0.1 },
  },
  { name: 'one row counts', shape: [6, 10], classes: 30, targets: 'oneCounts' },
  { name: 'ignoreIndex inside the classes', shape: [60, 10], classes: 5, options: { ignoreIndex: 2 } },
  { name: 'shift 1', shape: [3, 5, 4], classes: 12, targets: 'someIgnored', options: { shift: 1 } },
  {
    name: 'shift 2 with weights',
    shape: [2, 2, 5, 4],
    classes: 12,
    weights: 'positive',
    classWeights: true,
    options: { shift: 2 },
  },
  { name: 'int64 ids', shape: [20, 5], classes: 300, ids: 'int64', targets: 'someIgnored' },
  { name: 'uint8 ids', shape: [20, 5], classes: 256, ids: 'uint8', options: { ignoreIndex: 7 } },
];

const uncapped = { labelSmoothing: 0.1, zLoss: 1e-2, temperature: 0.7, shift: 1 };
const everything = { ...uncapped, softcap: 8 };
const options: CutCase[] = [
  { name: 'sum', shape: [20, 12], classes: 30, options: { reduction: 'sum' } },
  {
    name: 'none, upstream of each row',
    shape: [4, 5, 12],
    classes: 130,
    targets: 'someIgnored',
    upstream: 'each',
    bias: 'normal',
    options: { reduction: 'none' },
  },
  {
    name: 'none, some upstream zero',
    shape: [20, 12],
    classes: 30,
    upstream: 'someZero',
    options: { reduction: 'none' },
  },
  { name: 'upstream exactly 0', shape: [20, 12], classes: 30, upstream: 0, bias: 'normal' },
  { name: 'upstream -0.3', shape: [20, 12], classes: 30, upstream: -0.3 },
  { name: 'weights, some negative', shape: [20, 12], classes: 30, weights: 'someNegative' },
  { name: 'class weights', shape: [20, 12], classes: 30, classWeights: true, bias: 'normal' },
  { name: 'divisor', shape: [20, 12], classes: 30, weights: 'positive', options: { divisor: 77 } },
  { name: 'bias', shape: [20, 12], classes: 300, bias: 'normal' },
  ...[0.1, 1].map((labelSmoothing) => ({
    name: `label smoothing ${labelSmoothing}`,
    shape: [20, 12] as const,
    classes: 300,
    options: { labelSmoothing },
  })),
  {
    name: 'label smoothing with class weights',
    shape: [20, 12],
    classes: 30,
    classWeights: true,
    weights: 'positive',
    options: { labelSmoothing: 0.2 },
  },
  { name: 'z-loss', shape: [20, 12], classes: 300, options: { zLoss: 1e-3 } },
  { name: 'softcap', shape: [20, 12], classes: 300, options: { softcap: 5 } },
  { name: 'temperature 0.5', shape: [20, 12], classes: 300, options: { temperature: 0.5 } },
  {
    name: 'temperature 3 and bias',
    shape: [20, 12],
    classes: 300,
    bias: 'normal',
    options: { temperature: 3 },
  },
  {
    name: 'everything at once',
    shape: [3, 48, 33],
    classes: 205,
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    bias: 'normal',
    upstream: -2,
    options: { ...everything, divisor: 13 },
  },
  { name: 'more words than the workspace holds', shape: [50, 40], classes: 5000, targets: 'someIgnored' },
  {
    name: 'more words than the workspace holds, with much else',
    shape: [3, 20, 33],
    classes: 5001,
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    bias: 'normal',
    upstream: -2,
    options: uncapped,
  },
  {
    name: 'more words than the workspace holds, weighed and cooled',
    shape: [3, 20, 33],
    classes: 5001,
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    upstream: -2,
    options: { zLoss: 1e-2, temperature: 0.7, shift: 1 },
  },
  {
    name: 'more words than the workspace holds, nearly what smoothed labels ask for',
    shape: [50, 16],
    classes: 3001,
    factors: { normal: 1e-3 },
    options: { labelSmoothing: 1 },
  },
  {
    name: 'more words than the workspace holds, far apart',
    shape: [9, 40],
    classes: 9000,
    bias: 'mask',
    factors: { normal: 5 },
  },
  {
    name: 'everything at once, for each item',
    shape: [3, 8, 33],
    classes: 205,
    targets: 'someIgnored',
    weights: 'positive',
    classWeights: true,
    bias: 'normal',
    upstream: 'each',
    options: { ...everything, reduction: 'none' },
  },
];

const kinds: Record<string, unknown>[] = [
  { kind: 'focal' },
  { kind: 'focal', detach: true },
  { kind: 'poly1' },
  { kind: 'generalized' },
  { kind: 'compSum', tau: 1.5 },
  { kind: 'meanAbsolute' },
  { kind: 'symmetric' },
  { kind: 'encouraging' },
];
const objectives: CutCase[] = [
  ...kinds.map((objective) => ({
    name: `objective ${JSON.stringify(objective)}`,
    shape: [20, 12] as const,
    classes: 30,
    bias: 'normal' as const,
    options: { objective, zLoss: 1e-3 },
  })),
  { name: 'pass@8', shape: [24, 12], classes: 30, passAtN: { n: 8, length: 3 }, targets: 'someIgnored' },
];

export const cutCrossEntropyCases: readonly CutCase[] = [
  ...sizes,
  ...products,
  ...counting,
  ...options,
  ...objectives,
];
