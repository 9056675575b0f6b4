// What the two errors of masks share: how they are called, and the pair of fields that is made masks of.

import type { Place } from '../operation.js';
import { defineCall, option, raw } from '../options.js';
import { finite } from '../validate.js';
import type { View } from '../view.js';
import { expectShape } from './loss.js';
import { type FieldBatch, fieldBatch, fieldOptions, placeOfFields, readField } from './topology-options.js';

export interface MaskPair {
  readonly prediction: View;
  readonly target: View;
  readonly batch: FieldBatch;
  readonly place: Place;
}

/** Reads the inputs and options of the function `name`. */
export function maskPairReader(name: string): (inputs: unknown, options: unknown) => MaskPair {
  const { parseInputs, parseOptions } = defineCall(
    name,
    { prediction: raw, target: raw },
    ['prediction', 'target'],
    { ...fieldOptions, threshold: option(finite, 0.5) },
  );
  return (inputs, options) => {
    const o = parseOptions(options);
    const given = parseInputs(inputs);
    const prediction = readField(given.prediction, 'prediction');
    const target = readField(given.target, 'target');
    expectShape(target, prediction.shape, ' as prediction has');
    return {
      prediction,
      target,
      batch: fieldBatch(prediction, o, o.threshold),
      place: placeOfFields([prediction, target], o),
    };
  };
}
