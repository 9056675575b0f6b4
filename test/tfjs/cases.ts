// What the bridge is tested with: a loss, its options, the tensors it is called with in the order of tfjs, and the same
// loss composed of tfjs operations. A case runs on every backend, for value and gradients.

import { type Bars, bettiMatchingSync } from 'cutloss';
import type { Losses } from 'cutloss/tfjs';
import { random } from '../support/random.js';
import type { Tensor, Tf } from './backends.js';
import { composedRows, type RowTerms } from './composed-rows.js';

export interface BridgeCase {
  readonly loss: Exclude<keyof Losses<Tf>, 'fromTf' | 'toTf'>;
  readonly title: string;
  readonly options?: object;
  /** The tensors of the call. */
  readonly tensors: (tf: Tf) => Tensor[];
  /** Which of them gradients are taken of, by place. */
  readonly differentiable: readonly number[];
  readonly composed: (tf: Tf, tensors: readonly Tensor[]) => Tensor;
}

export function normals(tf: Tf, shape: number[], seed: number, scale = 1): Tensor {
  const { normal } = random(seed);
  const size = shape.reduce((product, axis) => product * axis, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * normal()),
    shape,
  );
}

export function integers(tf: Tf, shape: number[], below: number, seed: number): Tensor {
  const draw = random(seed).below;
  const size = shape.reduce((product, axis) => product * axis, 1);
  return tf.tensor(
    Int32Array.from({ length: size }, () => draw(below)),
    shape,
    'int32',
  );
}

const rowsOf = (
  title: string,
  options: object,
  terms: RowTerms,
  {
    shape = [7, 5],
    soft,
    weighted,
  }: { shape?: number[]; soft?: 'softmax' | 'oneHot'; weighted?: boolean } = {},
): BridgeCase => ({
  loss: 'crossEntropy',
  title,
  options,
  tensors: (tf) => {
    const classes = shape.at(-1) as number;
    const leading = shape.slice(0, -1);
    const ids = integers(tf, leading, classes, 1);
    const targets =
      soft === 'softmax'
        ? tf.softmax(normals(tf, shape, 2))
        : soft === 'oneHot'
          ? tf.oneHot(ids, classes)
          : ids;
    const weights = weighted ? [tf.abs(normals(tf, leading, 3))] : [];
    return [targets, normals(tf, shape, 4, 2), ...weights];
  },
  differentiable: [1],
  composed: (tf, [targets, logits, weights]) =>
    composedRows(tf, { targets: targets as Tensor, logits: logits as Tensor, weights }, terms),
});

/** [rows, dim] and [vocab, dim], multiplied out. */
const cutOf = (
  title: string,
  terms: RowTerms,
  extra: { bias?: boolean; weighted?: boolean } = {},
): BridgeCase => ({
  loss: 'cutCrossEntropy',
  title,
  options: terms,
  tensors: (tf) => [
    normals(tf, [2, 3, 8], 11),
    normals(tf, [5, 8], 12),
    integers(tf, [2, 3], 5, 13),
    ...(extra.bias ? [normals(tf, [5], 14)] : []),
    ...(extra.weighted ? [tf.abs(normals(tf, [2, 3], 15))] : []),
  ],
  differentiable: extra.bias ? [0, 1, 3] : [0, 1],
  composed: (tf, [hidden, classifier, targets, bias, weights]) => {
    const rows = tf.reshape(hidden as Tensor, [-1, 8]);
    const product = tf.matMul(rows as never, classifier as never, false, true);
    // The temperature divides the product, not the bias; composedRows() divides both.
    const kept = bias && tf.mul(bias, terms.temperature ?? 1);
    const logits = tf.reshape(kept ? tf.add(product, kept) : product, [2, 3, 5]);
    return composedRows(tf, { logits, targets: targets as Tensor, weights }, terms);
  },
});

const classWeights = [0.5, 2, 1, 0.25, 3];
const plain: readonly (readonly [title: string, options: RowTerms, Parameters<typeof rowsOf>[3]?])[] = [
  ['no options', {}],
  ['sum', { reduction: 'sum' }],
  ['none', { reduction: 'none' }],
  ['sequences, none', { reduction: 'none' }, { shape: [2, 3, 4] }],
  ['one-hot labels', {}, { soft: 'oneHot' }],
  ['soft labels', {}, { soft: 'softmax' }],
  ['soft labels, class weights and smoothing', { classWeights, labelSmoothing: 0.1 }, { soft: 'softmax' }],
  ['ignored rows', { ignoreIndex: 3 }],
  ['smoothing', { labelSmoothing: 0.2 }],
  ['z-loss', { zLoss: 0.01 }],
  ['softcap', { softcap: 3 }],
  ['temperature', { temperature: 0.7 }],
  ['shift', { shift: 1 }, { shape: [2, 4, 5] }],
  ['divisor', { divisor: 3.5 }],
  ['class weights', { classWeights }],
  ['class weights, none', { classWeights, reduction: 'none' }],
  ['weights', {}, { weighted: true }],
  ['weights, sum', { reduction: 'sum' }, { weighted: true }],
  [
    'everything at once',
    { classWeights, labelSmoothing: 0.1, zLoss: 0.01, softcap: 4, temperature: 1.5, ignoreIndex: 2 },
    { weighted: true },
  ],
];

const cut: readonly (readonly [title: string, options: RowTerms, Parameters<typeof cutOf>[2]?])[] = [
  ['no options', {}],
  ['bias', {}, { bias: true }],
  ['sum, bias and weights', { reduction: 'sum' }, { bias: true, weighted: true }],
  ['none', { reduction: 'none' }, { bias: true }],
  ['ignored rows', { ignoreIndex: 3 }],
  ['smoothing and class weights', { labelSmoothing: 0.1, classWeights }],
  ['z-loss, softcap, temperature', { zLoss: 0.01, softcap: 4, temperature: 1.5 }, { bias: true }],
  ['shift', { shift: 1 }],
  ['divisor', { divisor: 3.5 }],
];

type Objective = (tf: Tf, logP: Tensor) => Tensor;
const oneLess: Objective = (tf, logP) => tf.sub(1, tf.exp(logP));
const objectives: readonly (readonly [
  option: object | ((logProbs: Float32Array) => object),
  composed: Objective,
])[] = [
  [{ kind: 'focal', gamma: 2 }, (tf, logP) => tf.neg(tf.mul(tf.square(oneLess(tf, logP)), logP))],
  [{ kind: 'poly1', epsilon: 2 }, (tf, logP) => tf.sub(tf.mul(oneLess(tf, logP), 2), logP)],
  [{ kind: 'generalized', q: 0.6 }, (tf, logP) => tf.div(tf.sub(1, tf.exp(tf.mul(logP, 0.6))), 0.6)],
  [{ kind: 'compSum', tau: 1.4 }, (tf, logP) => tf.div(tf.sub(tf.exp(tf.mul(logP, 0.4)), 1), -0.4)],
  [{ kind: 'meanAbsolute' }, oneLess],
  [
    { kind: 'symmetric', alpha: 0.3, beta: 0.5 },
    (tf, logP) => tf.sub(tf.mul(oneLess(tf, logP), -0.5 * Math.log(1e-4)), tf.mul(logP, 0.3)),
  ],
  [{ kind: 'encouraging', end: 1 }, (tf, logP) => tf.sub(tf.log(oneLess(tf, logP)), logP)],
  [
    (logProbs) => ({ loss: logProbs.map((l) => l * l), weights: logProbs.map((l) => -2 * l) }),
    (tf, logP) => tf.square(logP),
  ],
];

/** The pairs are ours; the loss of the pairs, and its gradient, are composed. */
const bettiOf = (title: string, options: object, shape: number[]): BridgeCase => ({
  loss: 'bettiMatching',
  title,
  options,
  tensors: (tf) => [tf.cast(integers(tf, shape, 2, 5), 'float32'), tf.sigmoid(normals(tf, shape, 6))],
  differentiable: [1],
  composed: (tf, [target, prediction]) => {
    const views = [target, prediction].map((field) => ({
      data: (field as Tensor).dataSync() as Float32Array,
      shape,
    }));
    const inputs = { target: views[0] as (typeof views)[0], prediction: views[1] as (typeof views)[0] };
    const { pairs = [] } = bettiMatchingSync(inputs, { ...options, reduction: 'mean', outputs: ['pairs'] });
    const items = pairs.map((dimensions, item) => {
      const [t, p] = [target, prediction].map((field) => tf.reshape(tf.gather(field as never, item), [-1]));
      const at = (field: Tensor | undefined, indices: Int32Array) =>
        tf.gather(field as never, tf.tensor1d(indices, 'int32')) as Tensor;
      const squares = (a: Tensor, b: Tensor): Tensor => tf.sum(tf.squaredDifference(a, b));
      const length = (field: Tensor | undefined, bars: Bars): Tensor =>
        squares(at(field, bars.birthIndex), at(field, bars.deathIndex));
      return dimensions.map(({ matched, unmatchedPrediction, unmatchedTarget }) => {
        const [ours, theirs] = [matched.prediction, matched.target];
        const births = squares(at(p, ours.birthIndex), at(t, theirs.birthIndex));
        const deaths = squares(at(p, ours.deathIndex), at(t, theirs.deathIndex));
        const alone = tf.add(length(p, unmatchedPrediction), length(t, unmatchedTarget));
        return tf.add(tf.mul(tf.add(births, deaths), 2), alone) as Tensor;
      });
    });
    const losses = tf.stack(items.map((parts) => tf.addN(parts)));
    return 'reduction' in options ? losses : tf.mean(losses);
  },
});

export const bridgeCases: readonly BridgeCase[] = [
  bettiOf('two dimensions', {}, [2, 6, 7]),
  bettiOf('per item', { reduction: 'none' }, [3, 5, 5]),
  bettiOf('three dimensions, sublevel', { filtration: 'sublevel' }, [1, 4, 4, 4]),

  ...plain.map(([title, options, extra]) => rowsOf(title, options, options, extra)),
  ...cut.map((item) => cutOf(...item)),
  ...objectives.map(([objective, composed]) =>
    rowsOf(
      `objective ${(objective as { kind?: string }).kind ?? 'a function'}`,
      { objective },
      { objective: composed },
    ),
  ),
];
