// Cross-entropy and the other row objectives as somebody would write them with the operations of tfjs.

import type { Tensor, Tf } from './backends.js';

export interface RowTensors {
  readonly logits: Tensor; // [..., classes]
  readonly targets: Tensor; // class ids [...], or probabilities of the logits' shape
  readonly weights?: Tensor | undefined; // [...]
}

export interface RowTerms {
  /** The loss of a row by log p of its target. */
  readonly objective?: (tf: Tf, logP: Tensor) => Tensor;
  readonly reduction?: 'mean' | 'sum' | 'none';
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
  readonly zLoss?: number;
  readonly softcap?: number;
  readonly temperature?: number;
  readonly shift?: number;
  readonly divisor?: number;
  readonly classWeights?: readonly number[];
}

export function composedRows(tf: Tf, { logits, targets, weights }: RowTensors, o: RowTerms): Tensor {
  const classes = logits.shape.at(-1) as number;
  const leading = logits.shape.slice(0, -1);
  const rows = leading.reduce((product, axis) => product * axis, 1);
  const smoothing = o.labelSmoothing ?? 0;
  let z: Tensor = tf.div(tf.reshape(logits, [rows, classes]), o.temperature ?? 1);
  if (o.softcap !== undefined) z = tf.mul(tf.tanh(tf.div(z, o.softcap)), o.softcap);
  const lse = tf.logSumExp(z, -1);
  const logP = tf.sub(z, tf.expandDims(lse, 1));
  const classWeights = o.classWeights ? tf.tensor1d([...o.classWeights]) : tf.ones([classes]);
  const rowWeights = weights ? tf.reshape(weights, [rows]) : tf.ones([rows]);
  const spread = tf.mul(tf.sum(tf.mul(classWeights, logP), -1), -smoothing / classes);

  let perRow: Tensor;
  let counts: Tensor; // what a row weighs in the mean
  if (targets.rank === logits.rank) {
    const probabilities = tf.reshape(tf.cast(targets, 'float32'), [rows, classes]);
    const own = tf.neg(tf.sum(tf.mul(tf.mul(classWeights, probabilities), logP), -1));
    perRow = tf.add(tf.mul(own, 1 - smoothing), spread);
    counts = rowWeights;
  } else {
    const ids = shifted(Array.from(targets.dataSync()), leading.at(-1) ?? 1, o.shift ?? 0);
    const valid = tf.tensor1d(ids.map((id) => (id === (o.ignoreIndex ?? -100) || id === undefined ? 0 : 1)));
    const oneHot = tf.oneHot(
      tf.tensor1d(
        ids.map((id) => id ?? 0),
        'int32',
      ),
      classes,
    );
    const own = tf.sum(tf.mul(oneHot, logP), -1);
    const weight = tf.sum(tf.mul(oneHot, classWeights), -1);
    const loss = o.objective ? o.objective(tf, own) : tf.neg(own);
    perRow = tf.add(tf.mul(tf.mul(weight, loss), 1 - smoothing), spread);
    counts = tf.mul(tf.mul(weight, valid), rowWeights);
    perRow = tf.mul(perRow, valid);
    if (o.zLoss) perRow = tf.add(perRow, tf.mul(tf.mul(tf.square(lse), valid), o.zLoss));
  }
  if (o.zLoss && targets.rank === logits.rank) perRow = tf.add(perRow, tf.mul(tf.square(lse), o.zLoss));
  perRow = tf.mul(perRow, rowWeights);
  if (o.reduction === 'none') return tf.reshape(perRow, leading);
  const sum = tf.sum(perRow);
  if (o.reduction === 'sum') return sum;
  return tf.div(sum, o.divisor ?? tf.sum(counts));
}

/** Row t of a sequence predicts target t + shift; undefined where there is none. */
function shifted(ids: readonly number[], time: number, shift: number): (number | undefined)[] {
  return ids.map((_, i) => ((i % time) + shift < time ? ids[i + shift] : undefined));
}
