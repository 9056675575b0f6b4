// bettiNumberError: how far the Betti numbers of two masks are apart.

import { runAsync, runSync, type Steps } from '../run.js';
import { output } from './loss.js';
import { maskPairReader } from './mask-pair.js';
import { bettiNumbersOperation } from './topology-operations.js';
import type { FieldOptions, FieldPair, ThresholdOptions } from './topology-options.js';

/**
 * The sum over dimensions of the differences between the Betti numbers of prediction and target, both made masks: one
 * number per item. It does not ask where the features are; bettiMatchingError does.
 *
 * @example
 * const [error] = await bettiNumberError({ prediction, target });
 */
export function bettiNumberError(
  inputs: FieldPair,
  options?: FieldOptions & ThresholdOptions,
): Promise<Float64Array> {
  return runAsync(bettiNumberErrorSteps(inputs, options), bettiNumberError);
}

/** bettiNumberError(), blocking. */
export function bettiNumberErrorSync(
  inputs: FieldPair,
  options?: FieldOptions & ThresholdOptions,
): Float64Array {
  return runSync(bettiNumberErrorSteps(inputs, options), bettiNumberErrorSync);
}

const readMaskPair = maskPairReader('bettiNumberError');

function* bettiNumberErrorSteps(inputs: unknown, options: unknown): Steps<Float64Array> {
  const { prediction, target, batch, place } = readMaskPair(inputs, options);
  const { items, axes } = batch;
  const both = [prediction, target].map((field) => ({
    field,
    numbers: output('int32', [items, axes], prediction.device, 'numbers'),
  }));
  try {
    for (const each of both) yield bettiNumbersOperation.job(place, each, batch.parameters);
    const [a, b] = both.map(({ numbers }) => numbers.dataSync()) as [Int32Array, Int32Array];
    const errors = new Float64Array(items);
    for (let i = 0; i < a.length; i++) {
      const item = Math.floor(i / axes);
      errors[item] = (errors[item] as number) + Math.abs((a[i] as number) - (b[i] as number));
    }
    return errors;
  } finally {
    for (const { numbers } of both) numbers.dispose();
  }
}
