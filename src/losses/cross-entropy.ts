// crossEntropy: any function of a row of logits' softmax at the target, with its gradient, in one pass of the rows
// engine; two where the objective needs every row first. What it shares with other losses on rows is in row-loss.ts.

import { storage } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { defineCall, raw } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { bracketed } from '../validate.js';
import { readView, sameShape, sizeOf, type TensorLike, type View } from '../view.js';
import { expectDType, expectShape, type LossOptions, lossOptions, notIds } from './loss.js';
import { expectIds, type RowShape, readRowTerms, rowInputs, rowLossSteps, rowOperation } from './row-loss.js';
import { type RowOptions, type RowResult, rowOptions } from './row-options.js';

export interface LogitInputs {
  /** [..., classes] float32, float16 or bfloat16. */
  logits: TensorLike;
  /** Class ids [...] of int32, int64 or uint8; or probabilities of the logits' shape, of any floating dtype. */
  targets: TensorLike;
  /** [...] float32, one per row; 'mean' divides by their sum. */
  weights?: TensorLike;
  /** [classes] float32; 'mean' divides by their sum over the rows' targets, as PyTorch does. */
  classWeights?: TensorLike;
}

/**
 * Softmax cross-entropy of logits, or any other objective of the target's probability, and the gradient.
 * Never blocks the event loop, but for arrays so small that a thread would cost more than the work.
 *
 * @example
 * const { loss, grads } = await crossEntropy({ logits, targets }, { grads: true });
 */
export function crossEntropy(
  inputs: LogitInputs,
  options?: RowOptions & LossOptions<'logits'>,
): Promise<RowResult<'logits'>> {
  return runAsync(crossEntropySteps(inputs, options), crossEntropy);
}

/** crossEntropy(), blocking. */
export function crossEntropySync(
  inputs: LogitInputs,
  options?: RowOptions & LossOptions<'logits'>,
): RowResult<'logits'> {
  return runSync(crossEntropySteps(inputs, options), crossEntropySync);
}

const { parseInputs, parseOptions } = defineCall(
  'crossEntropy',
  { logits: raw, ...rowInputs },
  ['logits', 'targets'],
  { ...lossOptions(['logits']), ...rowOptions },
);

/** The rows operation by the names of engine/rows.h. */
const operation = rowOperation('rows', { views: ['logits', 'gradient'], parameters: ['freshGradient'] });

function* crossEntropySteps(inputs: unknown, given: unknown): Steps<RowResult<'logits'>> {
  const options = parseOptions(given);
  const parsed = parseInputs(inputs);
  const logits = readView(parsed.logits, 'logits', 'logits have the shape [..., classes]');
  const shape = shapeOf(logits);
  const terms = readRowTerms(parsed, options, shape, (targets) => checkTargets(targets, logits, shape));
  return yield* rowLossSteps({
    operation,
    shape,
    options,
    terms,
    sources: { logits },
    gradients: [{ of: 'logits', view: 'gradient', fresh: 'freshGradient' }],
    own: {},
  });
}

function shapeOf(logits: View): RowShape {
  expectDType(logits, 'float32', 'float16', 'bfloat16');
  const classes = logits.shape.at(-1) ?? 0;
  if (classes === 0) {
    const message = `Expected shape [..., classes] with at least one class for logits but received ${bracketed(logits.shape)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'logits' });
  }
  const leading = logits.shape.slice(0, -1);
  return { leading, rows: sizeOf(leading, 'logits'), classes, of: 'logits' };
}

function checkTargets(targets: View, logits: View, shape: RowShape): void {
  if (!storage(targets.dtype).floating) {
    expectDType(targets, 'int32', 'int64', 'uint8', 'float32', 'float16', 'bfloat16');
    expectIds(targets, shape, logits.shape, adviceFor(targets.shape, logits.shape));
  } else if (sameShape(targets.shape, shape.leading)) {
    throw notIds(targets);
  } else {
    expectShape(targets, logits.shape, ' as logits have, for probabilities,');
  }
}

/** Class ids of another shape than the rows' may be one-hot, or of logits that have their classes first. */
function adviceFor(targets: readonly number[], logits: readonly number[]): string | undefined {
  if (sameShape(targets, logits)) return 'one-hot rows are float32';
  const pixels = logits.filter((_, axis) => axis !== 1);
  return sameShape(targets, pixels) ? 'logits have their classes last, [..., classes]' : undefined;
}
