// A call of cutCrossEntropy for tests that are no table of cases: random inputs with a bias, of which each third word or so
// is the target of some row.

import { cutCrossEntropySync, type RowOptions } from 'cutloss';
import { backend } from '../support/backends.js';
import { decode, encode, type FloatDType } from '../support/dtypes.js';
import { random } from '../support/random.js';

export type Options = RowOptions & {
  grads?: boolean | string[];
  upstream?: number;
  reduction?: string;
  out?: object;
};
export type Numbers = Float32Array | Uint16Array;
export interface Problem {
  rows: number;
  dim: number;
  classes: number;
  dtype: FloatDType;
  hidden: Numbers;
  classifier: Numbers;
  bias: Numbers;
  ids: Int32Array;
  classWeights?: Float32Array;
}

export function problem(dtype: FloatDType, rows = 37, dim = 19, classes = 131): Problem {
  const { normal, below } = random(21);
  const fill = (count: number, size: number): Numbers =>
    encode(
      Float64Array.from({ length: count }, () => size * normal()),
      dtype,
    );
  return {
    rows,
    dim,
    classes,
    dtype,
    hidden: fill(rows * dim, 1),
    classifier: fill(classes * dim, 3 / Math.sqrt(dim)),
    bias: fill(classes, 1),
    ids: Int32Array.from({ length: rows }, (_, i) => (i % 7 === 3 ? -100 : below(classes))),
  };
}

export function run(p: Problem, options: Options = {}) {
  const { rows, dim, classes, dtype } = p;
  return cutCrossEntropySync(
    {
      hidden: { data: p.hidden, shape: [rows, dim], dtype },
      classifier: { data: p.classifier, shape: [classes, dim], dtype },
      bias: { data: p.bias, shape: [classes], dtype },
      targets: { data: p.ids, shape: [rows] },
      ...(p.classWeights && { classWeights: { data: p.classWeights, shape: [classes] } }),
    },
    { device: backend.device, ...options } as never,
  );
}
export type Found = ReturnType<typeof run>;

export const bitsOf = (found: Found) =>
  [found.grads.hidden, found.grads.classifier, found.grads.bias].map((tensor) =>
    tensor ? Array.from(tensor.dataSync() as Numbers) : undefined,
  );
export const valuesOf = (
  found: Found,
  name: 'hidden' | 'classifier' | 'bias',
  dtype: FloatDType,
): Float64Array => decode(found.grads[name]?.dataSync() as Numbers, dtype);

/**
 * Words as a trained model has them: few are frequent, most are rare in every row, and where they stand says nothing. The
 * frequency is the first dim of the classifier, which every row asks for.
 */
export function zipfProblem(dtype: FloatDType, rows: number, dim: number, classes: number): Problem {
  const p = problem(dtype, rows, dim, classes);
  const [hidden, classifier] = [decode(p.hidden, dtype), decode(p.classifier, dtype)];
  for (let row = 0; row < rows; row++) hidden[row * dim] = 1;
  for (let j = 0; j < classes; j++) {
    const rank = (j * 367) % classes; // 367 is prime
    for (let k = 0; k < dim; k++) classifier[j * dim + k] = 0.2 * (classifier[j * dim + k] as number);
    classifier[j * dim] = -1.5 * Math.log(1 + rank);
  }
  const bias = encode(new Float64Array(classes), dtype);
  return { ...p, hidden: encode(hidden, dtype), classifier: encode(classifier, dtype), bias };
}
