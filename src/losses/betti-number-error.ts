// bettiNumberError: how far the Betti numbers of two masks are apart.

import { defineCall, option, raw } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { finite } from '../validate.js';
import { expectShape, output } from './loss.js';
import { bettiNumbersOperation } from './topology-operations.js';
import {
  type FieldOptions,
  type FieldPair,
  fieldBatch,
  fieldOptions,
  placeOfFields,
  readField,
  type ThresholdOptions,
} from './topology-options.js';

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

const { parseInputs, parseOptions } = defineCall(
  'bettiNumberError',
  { prediction: raw, target: raw },
  ['prediction', 'target'],
  { ...fieldOptions, threshold: option(finite, 0.5) },
);

function* bettiNumberErrorSteps(inputs: unknown, options: unknown): Steps<Float64Array> {
  const o = parseOptions(options);
  const given = parseInputs(inputs);
  const prediction = readField(given.prediction, 'prediction');
  const target = readField(given.target, 'target');
  expectShape(target, prediction.shape, ' as prediction has');
  const batch = fieldBatch(prediction, o, o.threshold);
  const place = placeOfFields([prediction, target], o);
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
