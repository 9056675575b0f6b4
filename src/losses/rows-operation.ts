// The rows operation by the names of engine/rows.h, and the first of two passes for objectives that need every row
// before they can judge one.

import { type Job, Operation, type Place } from '../operation.js';
import { type Tensor, wrap } from '../tensor.js';
import type { View } from '../view.js';
import type { BatchObjective } from './batch-objectives.js';
import { output, reductions } from './loss.js';

const views = [
  'logits',
  'targets',
  'weights',
  'classWeights',
  'upstream',
  'objectiveLoss',
  'objectiveWeights',
  'gradient',
  'perItem',
  'logProb',
  'lse',
  'entropy',
  'argmax',
] as const;
const parameters = [
  'rows',
  'classes',
  'time',
  'shift',
  'ignoreIndex',
  'reduction',
  'objective',
  'objectiveFirst',
  'objectiveSecond',
  'labelSmoothing',
  'zLoss',
  'softcap',
  'temperature',
  'divisor',
  'upstreamScale',
  'freshGradient',
] as const;
const results = ['loss', 'counted'] as const;

export type RowParameters = Readonly<Record<(typeof parameters)[number], number>>;

export const rowsOperation: Operation<(typeof views)[number], keyof RowParameters, (typeof results)[number]> =
  new Operation('rows', { views, parameters, results });

/** What a batch objective says of every row, beside the logits. */
export interface Judgement {
  readonly loss: Tensor;
  readonly weights: Tensor;
}

/** Measures log p of every row, and asks the objective about it. */
export function* judge(
  objective: BatchObjective,
  operands: { readonly logits: View; readonly targets: View },
  given: RowParameters,
  leading: readonly number[],
  place: Place,
): Generator<Job, Judgement, void> {
  const home = operands.logits.device;
  const { logits, targets } = operands;
  const logProb = output('float32', leading, home, 'logProb');
  const argmax = output('int32', leading, home, 'argmax');
  try {
    const plain = {
      objective: 0,
      labelSmoothing: 0,
      zLoss: 0,
      freshGradient: 0,
      reduction: reductions.indexOf('sum'),
    };
    yield rowsOperation.job(place, { logits, targets, logProb, argmax }, { ...given, ...plain });
    const { loss, weights } = objective(logProb.dataSync(), argmax.dataSync());
    return { loss: beside(loss, leading, home), weights: beside(weights, leading, home) };
  } finally {
    logProb.dispose();
    argmax.dispose();
  }
}

function beside(values: Float32Array, shape: readonly number[], home: number): Tensor {
  const host = wrap(values, 'float32', [...shape], values.length, -1);
  return home < 0 ? host : host.toSync(`cuda:${home}`);
}
