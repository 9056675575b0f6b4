// bettiNumbers: how many components, loops and cavities a mask has.

import { defineOptions, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { finite } from '../validate.js';
import type { TensorLike } from '../view.js';
import { output } from './loss.js';
import { bettiNumbersOperation } from './topology-operations.js';
import {
  type FieldOptions,
  fieldBatch,
  fieldOptions,
  placeOfFields,
  readField,
  type ThresholdOptions,
} from './topology-options.js';

/**
 * Betti numbers of masks, per item and by dimension: components, loops, in 3-D cavities. Dimensions that were not asked
 * for count 0. With filtration 'sublevel' the mask is what is not above the threshold.
 *
 * @example
 * const [[components, holes]] = await bettiNumbers(tensor(mask, [1, height, width]));
 */
export function bettiNumbers(
  mask: TensorLike,
  options?: FieldOptions & ThresholdOptions,
): Promise<Int32Array[]> {
  return runAsync(bettiNumbersSteps(mask, options), bettiNumbers);
}

/** bettiNumbers(), blocking. */
export function bettiNumbersSync(mask: TensorLike, options?: FieldOptions & ThresholdOptions): Int32Array[] {
  return runSync(bettiNumbersSteps(mask, options), bettiNumbersSync);
}

const parseOptions = defineOptions('option of bettiNumbers', {
  ...fieldOptions,
  threshold: option(finite, 0.5),
});

function* bettiNumbersSteps(value: unknown, options: unknown): Steps<Int32Array[]> {
  const o = parseOptions(options);
  const field = readField(value, 'mask');
  const batch = fieldBatch(field, o, o.threshold);
  const place = placeOfFields([field], o);
  const numbers = output('int32', [batch.items, batch.axes], field.device, 'numbers');
  try {
    yield bettiNumbersOperation.job(place, { field, numbers }, batch.parameters);
    const all = numbers.dataSync();
    return Array.from({ length: batch.items }, (_, i) => all.slice(i * batch.axes, (i + 1) * batch.axes));
  } finally {
    numbers.dispose();
  }
}
