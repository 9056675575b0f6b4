// cutCrossEntropy: cross-entropy, or any other row objective, of the logits hidden · classifierᵀ + bias, which are never
// built. What it shares with other losses on rows is in row-loss.ts.

import { type DType, storage } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { defineCall, raw } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { bracketed } from '../validate.js';
import { readView, sameShape, sizeOf, type TensorLike, type View } from '../view.js';
import { expectDType, expectShape, type LossOptions, lossOptions, notIds, readOptionalView } from './loss.js';
import {
  expectIds,
  type RowOptionsOf,
  type RowShape,
  readRowTerms,
  rowInputs,
  rowLossSteps,
  rowOperation,
} from './row-loss.js';
import { type RowOptions, type RowResult, rowOptions } from './row-options.js';

type Differentiable = 'hidden' | 'classifier' | 'bias';

export interface CutInputs {
  /** [..., dim] float32, float16 or bfloat16. */
  hidden: TensorLike;
  /** [vocab, dim], of hidden's dtype. */
  classifier: TensorLike;
  /** Class ids [...] of int32, int64 or uint8. */
  targets: TensorLike;
  /** [vocab] float32, float16 or bfloat16; added after the temperature has divided. */
  bias?: TensorLike;
  /** [...] float32, one per row; 'mean' divides by their sum. */
  weights?: TensorLike;
  /** [vocab] float32; 'mean' divides by their sum over the rows' targets, as PyTorch does. */
  classWeights?: TensorLike;
}

/**
 * Softmax cross-entropy of hidden · classifierᵀ + bias, or any other objective of the target's probability, and the
 * gradients of hidden, classifier and bias. The logits are never built: scratch memory stays within `workspaceBytes`.
 *
 * @example
 * const { loss, grads } = await cutCrossEntropy({ hidden, classifier, targets }, { grads: true });
 */
export function cutCrossEntropy(
  inputs: CutInputs,
  options?: RowOptions & LossOptions<Differentiable>,
): Promise<RowResult<Differentiable>> {
  return runAsync(cutCrossEntropySteps(inputs, options), cutCrossEntropy);
}

/** cutCrossEntropy(), blocking. */
export function cutCrossEntropySync(
  inputs: CutInputs,
  options?: RowOptions & LossOptions<Differentiable>,
): RowResult<Differentiable> {
  return runSync(cutCrossEntropySteps(inputs, options), cutCrossEntropySync);
}

const differentiable: readonly Differentiable[] = ['hidden', 'classifier', 'bias'];
const { parseInputs, parseOptions } = defineCall(
  'cutCrossEntropy',
  { hidden: raw, classifier: raw, ...rowInputs, bias: raw },
  ['hidden', 'classifier', 'targets'],
  { ...lossOptions(differentiable), ...rowOptions },
);

/** The operation by the names of engine/cut_rows.h. */
const operation = rowOperation('cutRows', {
  views: ['hidden', 'classifier', 'bias', 'hiddenGradient', 'classifierGradient', 'biasGradient'],
  parameters: [
    'dim',
    'workspaceBytes',
    'filterHidden',
    'filterClassifier',
    'filterEps',
    'sortVocabulary',
    'freshHiddenGradient',
    'freshClassifierGradient',
  ],
  results: ['keptTiles'],
});

function* cutCrossEntropySteps(inputs: unknown, given: unknown): Steps<RowResult<Differentiable>> {
  const options = parseOptions(given);
  const parsed = parseInputs(inputs);
  const hidden = readView(parsed.hidden, 'hidden', 'hidden has the shape [..., dim]');
  const classifier = readView(parsed.classifier, 'classifier', 'the classifier has the shape [vocab, dim]');
  const bias = readOptionalView(parsed.bias, 'bias');
  const dim = hidden.shape.at(-1) ?? 0;
  const shape = shapeOf(hidden, classifier, bias, options);
  const terms = readRowTerms(parsed, options, shape, (targets) => checkTargets(targets, hidden, shape));
  const filter = options.gradientFilter;
  const filters = (filter.hidden || filter.classifier) && options.grads.length > 0;
  return yield* rowLossSteps({
    operation,
    shape,
    options,
    terms,
    sources: { hidden, classifier, bias },
    gradients: [
      { of: 'hidden', view: 'hiddenGradient', fresh: 'freshHiddenGradient' },
      { of: 'classifier', view: 'classifierGradient', fresh: 'freshClassifierGradient' },
      { of: 'bias', view: 'biasGradient' },
    ],
    own: {
      dim,
      workspaceBytes: options.workspaceBytes ?? 0,
      filterHidden: filter.hidden ? 1 : 0,
      filterClassifier: filter.classifier ? 1 : 0,
      filterEps: filters ? (filter.eps ?? defaultEps[hidden.dtype] ?? 0) : 0,
      sortVocabulary: filter.sortVocabulary ? 1 : 0,
    },
    work: productWork(shape, dim),
    filters,
  });
}

/** Where entries of the softmax begin to vanish beside the rounding of the gradient. */
const defaultEps: Partial<Record<DType, number>> = {
  float32: 2 ** -28,
  float16: 2 ** -15,
  bfloat16: 2 ** -12,
};

/** In nanoseconds, at some thirty multiplications each. */
function productWork({ rows, classes }: RowShape, dim: number): number {
  return (rows * classes * (dim + 16)) / 32;
}

function shapeOf(
  hidden: View,
  classifier: View,
  bias: View | undefined,
  options: RowOptionsOf<Differentiable>,
): RowShape {
  expectDType(hidden, 'float32', 'float16', 'bfloat16');
  const dim = hidden.shape.at(-1) ?? 0;
  if (dim === 0) {
    const message = `Expected shape [..., dim] with at least one dim for hidden but received ${bracketed(hidden.shape)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'hidden' });
  }
  expectDType(classifier, hidden.dtype);
  const classes = classifier.shape[0] ?? 0;
  if (classifier.shape.length !== 2 || classes === 0 || classifier.shape[1] !== dim) {
    const message = `Expected shape [vocab, ${dim}] with at least one word, as hidden has ${dim} dims, for classifier but received ${bracketed(classifier.shape)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'classifier' });
  }
  if (bias !== undefined) {
    expectDType(bias, 'float32', 'float16', 'bfloat16');
    expectShape(bias, [classes], ', one element per word,');
  } else if (options.grads !== differentiable && options.grads.includes('bias')) {
    const message = 'Expected a bias, since grads asks for its gradient, for bias but received undefined';
    throw new CutlossError('ERR_CUTLOSS_OPTION', message, { name: 'bias' });
  }
  const leading = hidden.shape.slice(0, -1);
  return { leading, rows: sizeOf(leading, 'hidden'), classes, of: 'hidden' };
}

function checkTargets(targets: View, hidden: View, shape: RowShape): void {
  if (storage(targets.dtype).floating) {
    const ids = sameShape(targets.shape, shape.leading);
    throw notIds(targets, ids ? undefined : 'only crossEntropy() takes probabilities');
  }
  expectDType(targets, 'int32', 'int64', 'uint8');
  const swapped = sameShape(targets.shape, [shape.classes])
    ? 'are hidden and classifier swapped?'
    : undefined;
  expectIds(targets, shape, hidden.shape, swapped);
}
