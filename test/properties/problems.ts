// Random crossEntropy problems for the property tests: fast-check draws sizes, dtype, options and a seed, and shrinks
// them; the numbers come from the seed.

import fc from 'fast-check';
import { encode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import { random } from '../support/random.js';
import type { CrossEntropyInputs } from './types.js';

export interface Problem {
  readonly rows: number;
  readonly classes: number;
  readonly dtype: FloatDType;
  readonly seed: number;
  readonly scale: number;
  readonly weighted: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 });

/** Options that leave every row to itself, in any combination. */
export const anyOptions: fc.Arbitrary<Record<string, unknown>> = fc
  .record({
    labelSmoothing: sometimes(fc.constantFrom(0.1, 0.5)),
    zLoss: sometimes(fc.constantFrom(1e-3, 0.1)),
    softcap: sometimes(fc.constantFrom(2, 30)),
    temperature: sometimes(fc.constantFrom(0.5, 2)),
    objective: sometimes(
      fc.constantFrom({ kind: 'focal' }, { kind: 'poly1' }, { kind: 'generalized' }, { kind: 'symmetric' }),
    ),
    reduction: sometimes(fc.constantFrom('mean', 'sum', 'none')),
  })
  .map(({ labelSmoothing, ...rest }) => {
    const options =
      rest.objective === undefined && labelSmoothing !== undefined ? { ...rest, labelSmoothing } : rest;
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  });

export function problems(
  options: fc.Arbitrary<Record<string, unknown>>,
  weighted?: boolean,
): fc.Arbitrary<Problem> {
  return fc.record({
    rows: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(64, 129)),
    classes: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(128, 507, 1031)),
    dtype: fc.constantFrom(...floatDTypes),
    seed: fc.nat(),
    scale: fc.constantFrom(0.1, 3, 20),
    weighted: weighted === undefined ? fc.boolean() : fc.constant(weighted),
    options,
  });
}

/** The problem's inputs as crossEntropy takes them; about every sixth row is ignored. */
export function inputsOf({ rows, classes, dtype, seed, scale, weighted }: Problem): CrossEntropyInputs {
  const { normal, uniform, below } = random(seed);
  const logits = encode(
    Float64Array.from({ length: rows * classes }, () => scale * normal()),
    dtype,
  );
  const targets = Int32Array.from({ length: rows }, () => (below(6) === 0 ? -100 : below(classes)));
  const positive = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => 0.25 + uniform());
  return {
    logits: { data: logits, shape: [rows, classes], dtype },
    targets: { data: targets, shape: [rows] },
    ...(weighted && {
      weights: { data: positive(rows), shape: [rows] },
      classWeights: { data: positive(classes), shape: [classes] },
    }),
  };
}
