// What the reference of the losses of regions adds for single pixels: cross-entropy, focal and asymmetric terms, their
// slopes by the logits, and the sizes of what those add up.

import type { Kind, RegionOptions } from './regions.js';

export interface Pixel {
  p: Float64Array;
  rest: Float64Array; // 1 − p, without cancellation
  logP: Float64Array;
  logRest: Float64Array;
  y: Float64Array;
  weight: number;
}

/**
 * The `…Magnitude` of an answer adds up the sizes of its parts, each as often as it has factors, because an engine holds
 * every factor in float32 and rounds it: an exponential, the reciprocal of a sum, a slope. This is how many there are.
 */
export const roundedFactors = {
  softmax: 3, // p g: exponential, reciprocal, slope
  mean: 5, // p of p g: two and three
  sigmoid: 5, // p (1 - p) g: exponential and reciprocal twice, slope
  crossEntropy: 3,
  focal: 6, // power, exponential, reciprocal, logarithm, alpha, weight
};

export const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

export interface Term {
  value: number;
  slope: Float64Array; // by the logits
  size: Float64Array;
}

/** Cross-entropy and focal of one pixel, unweighted by mask. */
export function pixelTerm(kind: Kind, o: RegionOptions, pixel: Pixel, classes: number): Term {
  const term: Term = { value: 0, slope: new Float64Array(classes), size: new Float64Array(classes) };
  const { p, rest, logP, y } = pixel;
  if (kind === 'asymmetric') {
    const { gammaPositive = 0, gammaNegative = 0, margin = 0 } = o;
    for (let c = 0; c < classes; c++) sigmoidTerm(term, c, pixel, 1, 1, gammaPositive, gammaNegative, margin);
    return term;
  }
  const { weight: focal = 0, gamma = 2, alpha } = o.focal ?? {};
  const lambda = o.crossEntropy ?? 0;
  for (let c = 0; c < classes; c++) {
    if (o.activation === 'sigmoid') {
      if (lambda !== 0) sigmoidTerm(term, c, pixel, lambda, lambda, 0, 0, 0);
      if (focal !== 0)
        sigmoidTerm(
          term,
          c,
          pixel,
          focal * (alpha ?? 1),
          focal * (alpha === undefined ? 1 : 1 - alpha),
          gamma,
          gamma,
          0,
        );
      continue;
    }
    const own = y[c] as number;
    if (own === 0 || (lambda === 0 && focal === 0)) continue;
    const classAlpha = alpha === undefined ? 1 : c === 0 ? 1 - alpha : alpha;
    const f = focalOf(p[c] as number, rest[c] as number, logP[c] as number, gamma);
    term.value += own * (lambda * -(logP[c] as number) + focal * classAlpha * f.value);
    const rounded = focal === 0 ? roundedFactors.crossEntropy : roundedFactors.focal;
    const v = own * (lambda + focal * classAlpha * f.weight); // −d/dlog p
    for (let k = 0; k < classes; k++) {
      const step = k === c ? -(rest[c] as number) : (p[k] as number); // p_k − [k = c]
      (term.slope[k] as number) += v * step;
      (term.size[k] as number) += rounded * Math.abs(v) * ((p[k] as number) + (k === c ? 1 : 0));
    }
  }
  return term;
}

function focalOf(p: number, q: number, logP: number, gamma: number): { value: number; weight: number } {
  const factor = q ** gamma;
  const ratio = q === 0 ? 1 : -logP / q;
  return { value: factor * -logP, weight: factor * (1 + (p === 0 ? 0 : gamma * p * ratio)) };
}

function sigmoidTerm(
  term: Term,
  c: number,
  { p, rest, logP, logRest, y }: Pixel,
  positive: number,
  negative: number,
  gammaPositive: number,
  gammaNegative: number,
  margin: number,
): void {
  const [own, other, yes] = [p[c] as number, rest[c] as number, y[c] as number];
  const right = focalOf(own, other, logP[c] as number, gammaPositive);
  const moved = margin === 0 ? own : Math.max(own - margin, 0);
  const kept = margin === 0 ? other : 1 - moved;
  const wrong = focalOf(
    kept,
    moved,
    margin === 0 ? (logRest[c] as number) : Math.log1p(-moved),
    gammaNegative,
  );
  const bend = moved === 0 && margin > 0 ? 0 : (own * other) / kept;
  // what is left of the difference p - margin is rounded with p
  const conditioning = margin > 0 && moved > 0 ? 1 + (gammaNegative * own) / moved : 1;
  term.value += positive * yes * right.value + negative * (1 - yes) * wrong.value;
  const parts = [-positive * yes * right.weight * other, negative * (1 - yes) * wrong.weight * bend];
  (term.slope[c] as number) += sum(parts);
  (term.size[c] as number) += roundedFactors.focal * conditioning * sum(parts.map(Math.abs));
}
