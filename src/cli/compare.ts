// The numbers of one pair: those of the fields as masks, by dimension. Everything else is sums of them.

import type { Field } from '../images/field.js';
import { bettiMatching } from '../losses/betti-matching.js';
import { bettiNumbers } from '../losses/betti-numbers.js';
import type { TopologyOptions } from '../losses/topology-options.js';

export interface Comparison {
  readonly shape: readonly number[];
  /** Those that were asked for; of the others, every number is 0. */
  readonly dimensions: readonly number[];
  readonly bettiNumbers: { readonly prediction: readonly number[]; readonly target: readonly number[] };
  readonly bettiNumberError: number;
  /** Bars of the masks by dimension. The component that never dies is not among them. */
  readonly matched: readonly number[];
  readonly unmatched: { readonly prediction: readonly number[]; readonly target: readonly number[] };
  readonly bettiMatchingError: number;
}

export async function compare(
  prediction: Field,
  target: Field,
  threshold: number,
  options: TopologyOptions,
): Promise<Comparison> {
  const numbers = async (field: Field): Promise<number[]> => [
    ...((await bettiNumbers(batched(field), { ...options, threshold }))[0] as Int32Array),
  ];
  const betti = { prediction: await numbers(prediction), target: await numbers(target) };
  const masks = { prediction: mask(prediction, threshold), target: mask(target, threshold) };
  const { pairs } = await bettiMatching(masks, { ...options, outputs: ['pairs'] });
  const matches = pairs?.[0] ?? [];
  const unmatched = {
    prediction: matches.map(({ unmatchedPrediction }) => unmatchedPrediction.birth.length),
    target: matches.map(({ unmatchedTarget }) => unmatchedTarget.birth.length),
  };
  return {
    shape: prediction.shape,
    dimensions: options.dimensions ?? prediction.shape.map((_, dimension) => dimension),
    bettiNumbers: betti,
    bettiNumberError: sum(betti.prediction.map((count, k) => Math.abs(count - (betti.target[k] as number)))),
    matched: matches.map(({ matched }) => matched.prediction.birth.length),
    unmatched,
    bettiMatchingError: sum(unmatched.prediction) + sum(unmatched.target),
  };
}

/** A field as a batch of one. */
export function batched({ data, shape }: Field): Field {
  return { data, shape: [1, ...shape] };
}

function mask({ data, shape }: Field, threshold: number): Field {
  const limit = Math.fround(threshold);
  return batched({ data: data.map((value) => (value > limit ? 1 : 0)), shape });
}

export function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
