// bettiMatchingError: how many features of two masks have no counterpart at their place.

import { runAsync, runSync, type Steps } from '../run.js';
import { output, reductions } from './loss.js';
import { maskPairReader } from './mask-pair.js';
import { matchingOperation } from './topology-operations.js';
import type { FieldOptions, FieldPair, ThresholdOptions } from './topology-options.js';

/**
 * The number of unmatched bars of prediction and target, both made masks: features that the other has not, or has
 * elsewhere. One number per item.
 *
 * @example
 * const [error] = await bettiMatchingError({ prediction, target });
 */
export function bettiMatchingError(
  inputs: FieldPair,
  options?: FieldOptions & ThresholdOptions,
): Promise<Float64Array> {
  return runAsync(bettiMatchingErrorSteps(inputs, options), bettiMatchingError);
}

/** bettiMatchingError(), blocking. */
export function bettiMatchingErrorSync(
  inputs: FieldPair,
  options?: FieldOptions & ThresholdOptions,
): Float64Array {
  return runSync(bettiMatchingErrorSteps(inputs, options), bettiMatchingErrorSync);
}

const readMaskPair = maskPairReader('bettiMatchingError');

function* bettiMatchingErrorSteps(inputs: unknown, options: unknown): Steps<Float64Array> {
  const { prediction, target, batch, place } = readMaskPair(inputs, options);
  const errors = output('int32', [batch.items], prediction.device, 'errors');
  try {
    yield matchingOperation.job(
      place,
      { prediction, target, errors },
      {
        ...batch.parameters,
        capacity: 0,
        sigmoid: 0,
        unmatchedPrediction: 0,
        unmatchedTarget: 0,
        minPersistence: 0,
        reduction: reductions.indexOf('sum'),
        upstreamScale: 1,
      },
    );
    return Float64Array.from(errors.dataSync());
  } finally {
    errors.dispose();
  }
}
