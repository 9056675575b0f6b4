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

type RegionLoss = Exclude<BridgeCase['loss'], 'crossEntropy' | 'cutCrossEntropy' | 'bettiMatching'>;

/** Probabilities and one-hot labels of [2, 5, 6, 3], by softmax; the loss of each image and class is composed. */
const regionsOf = (
  loss: RegionLoss,
  composed: (tf: Tf, p: Tensor, y: Tensor) => Tensor,
  options: { reduction?: 'none'; [name: string]: unknown } = {},
  soft = false,
): BridgeCase => ({
  loss,
  title: `${loss}${soft ? ', one-hot labels' : ''}${options.reduction ? ', none' : ''}`,
  options,
  tensors: (tf) => {
    const ids = integers(tf, [2, 5, 6], 3, 21);
    return [soft ? tf.oneHot(ids, 3) : ids, normals(tf, [2, 5, 6, 3], 22)];
  },
  differentiable: [1],
  composed: (tf, [targets, logits]) => {
    const y = soft ? (targets as Tensor) : tf.oneHot(targets as never, 3);
    const each = composed(tf, tf.softmax(logits as Tensor), tf.cast(y, 'float32'));
    return options.reduction === 'none' ? each : tf.mean(each);
  },
});

const sums = (tf: Tf, x: Tensor): Tensor => tf.sum(x, [1, 2]);
const ratio = (tf: Tf, u: Tensor, v: Tensor): Tensor => tf.sub(1, tf.div(tf.add(u, 1e-5), tf.add(v, 1e-5)));
const diceOf = (tf: Tf, p: Tensor, y: Tensor): Tensor =>
  ratio(tf, tf.mul(sums(tf, tf.mul(p, y)), 2), tf.add(sums(tf, p), sums(tf, y)));
const overlapOf =
  (alpha: number, beta: number) =>
  (tf: Tf, p: Tensor, y: Tensor): Tensor => {
    const both = sums(tf, tf.mul(p, y));
    const missed = tf.mul(tf.sub(sums(tf, y), both), beta);
    return ratio(tf, both, tf.add(tf.add(both, tf.mul(tf.sub(sums(tf, p), both), alpha)), missed));
  };

/** What each element weighs is taken from its place among the sorted errors, and is a constant. */
function lovaszOf(tf: Tf, p: Tensor, y: Tensor): Tensor {
  const errors = tf.abs(tf.sub(y, p));
  const [values, labels] = [errors.dataSync(), y.dataSync()];
  const weights = new Float32Array(values.length);
  for (let region = 0; region < 6; region++) {
    const pixels = Array.from({ length: 30 }, (_, i) => (Math.floor(region / 3) * 30 + i) * 3 + (region % 3));
    const size = pixels.reduce((sum, at) => sum + (labels[at] as number), 0);
    let [found, union, before] = [size, size, 0];
    for (const at of pixels.sort((a, b) => (values[b] as number) - (values[a] as number))) {
      found -= labels[at] as number;
      union += 1 - (labels[at] as number);
      weights[at] = 1 - found / union - before;
      before = 1 - found / union;
    }
  }
  return sums(tf, tf.mul(errors, tf.tensor(weights, errors.shape)));
}

function softSkeletonOf(tf: Tf, plane: Tensor): Tensor {
  const steps = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => [y, x] as const));
  const cross = steps.filter(([y, x]) => y === 0 || x === 0);
  const moved = (x: Tensor, outside: number, [down, right]: readonly [number, number]): Tensor => {
    // biome-ignore format: an axis each
    const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], outside);
    return tf.slice(padded, [0, 1 + down, 1 + right, 0], x.shape);
  };
  const least = (x: Tensor): Tensor =>
    cross.map((step) => moved(x, 2, step)).reduce((a, b) => tf.minimum(a, b));
  const most = (x: Tensor): Tensor =>
    steps.map((step) => moved(x, -1, step)).reduce((a, b) => tf.maximum(a, b));
  let level = plane;
  let skeleton: Tensor | undefined;
  for (let round = 0; round <= 3; round++) {
    const eroded: Tensor = least(level);
    const d: Tensor = tf.relu(tf.sub(level, most(eroded)));
    skeleton = skeleton ? tf.add(skeleton, tf.relu(tf.sub(d, tf.mul(skeleton, d)))) : d;
    level = eroded;
  }
  return skeleton as Tensor;
}

function clDiceOf(tf: Tf, p: Tensor, y: Tensor): Tensor {
  const share = (skeleton: Tensor, other: Tensor): Tensor =>
    tf.div(tf.add(sums(tf, tf.mul(skeleton, other)), 1e-5), tf.add(sums(tf, skeleton), 1e-5));
  const [a, b] = [share(softSkeletonOf(tf, p), y), share(softSkeletonOf(tf, y), p)];
  return tf.sub(1, tf.div(tf.mul(tf.mul(a, b), 2), tf.add(a, b)));
}

const regionLosses: readonly BridgeCase[] = [
  regionsOf('dice', diceOf),
  regionsOf('dice', diceOf, { reduction: 'none' }, true),
  regionsOf('jaccard', overlapOf(1, 1)),
  regionsOf('tversky', overlapOf(0.5, 0.5)),
  regionsOf('selfAdjustingDice', (tf, p, y) => diceOf(tf, tf.mul(tf.sub(1, p), p), y)),
  regionsOf('generalizedDice', (tf, p, y) => {
    const weigh = (x: Tensor): Tensor => tf.sum(tf.mul(sums(tf, x), tf.pow(sums(tf, y), -2)), 1);
    return ratio(tf, tf.mul(weigh(tf.mul(p, y)), 2), tf.add(weigh(p), weigh(y)));
  }),
  regionsOf('lovasz', lovaszOf),
  regionsOf('softClDice', clDiceOf),
  regionsOf('anyLoss', (tf, p, y) => diceOf(tf, tf.sigmoid(tf.mul(tf.sub(p, 0.5), 5)), y), {
    activation: 'softmax',
    over: 'imageClass',
    smooth: 1e-5,
    amplify: 5,
  }),
  // so wide a tube holds the whole of every class but the first
  regionsOf(
    'skeletonRecall',
    (tf, p, y) => tf.slice(ratio(tf, sums(tf, tf.mul(p, y)), sums(tf, y)), [0, 1], [2, 2]),
    { tube: 11 },
  ),
  {
    loss: 'asymmetric',
    title: 'asymmetric',
    tensors: (tf) => [integers(tf, [7, 5], 2, 23), normals(tf, [7, 5], 24)],
    differentiable: [1],
    composed: (tf, [targets, logits]) => {
      const p = tf.sigmoid(logits as Tensor);
      const y = tf.cast(targets as Tensor, 'float32');
      const q = tf.relu(tf.sub(p, 0.05));
      const positive = tf.mul(tf.mul(y, tf.sub(1, p)), tf.log(p));
      const negative = tf.mul(tf.mul(tf.sub(1, y), tf.pow(q, 4)), tf.log(tf.sub(1, q)));
      return tf.neg(tf.mean(tf.sum(tf.add(positive, negative), 1)));
    },
  },
];

export const bridgeCases: readonly BridgeCase[] = [
  bettiOf('two dimensions', {}, [2, 6, 7]),
  bettiOf('per item', { reduction: 'none' }, [3, 5, 5]),
  bettiOf('three dimensions, sublevel', { filtration: 'sublevel' }, [1, 4, 4, 4]),

  ...regionLosses,
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
