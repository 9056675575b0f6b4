// How far an answer may be from the exact one. There is one yardstick: the error of rounding the exact answer to the
// output's dtype, half an ulp. An answer passes when both hold, with K = 4:
//
//   tensor   max_i |got_i - exact_i|  <=  K max_i halfUlp(scale_i)
//   element  |got_i - exact_i|        <=  K halfUlp(scale_i) + floor      for every i
//
// `exact` is the float64 reference of the inputs as they were stored, already rounded to their dtype. scale_i is
// exact_i itself unless the caller gives another, and says why where it does. floor is 2^-126, the smallest normal
// float32: arithmetic in float32 may flush what is below it. What rounds to infinity must be that infinity, and NaN
// must be NaN. Where an answer is computed from what was itself rounded on the way, `noise` is the size of one standard
// deviation of what that does to each element, derived by the caller, and K of it are allowed on top (cut-noise.ts).
// A scalar in float64 is judged as a float32 whose size is the sum of the sizes of what it adds up.

import { type FloatDType, halfUlp, roundTo } from '../support/dtypes.js';

export const K = 4;
const floor = 2 ** -126;

export interface Judgement {
  /** The two errors above, in units of what is allowed: at most 1 passes. */
  readonly tensor: number;
  readonly element: number;
  /** The worst element, in words. */
  readonly worst: string;
}

export function judge(
  got: ArrayLike<number>,
  exact: ArrayLike<number>,
  dtype: FloatDType,
  scale: ArrayLike<number> = exact,
  noise?: ArrayLike<number>,
): Judgement {
  if (got.length !== exact.length) {
    return {
      tensor: Infinity,
      element: Infinity,
      worst: `${got.length} elements instead of ${exact.length}`,
    };
  }
  let largestError = 0;
  let largestStep = 0;
  let element = 0;
  let worst = 'none';
  for (let i = 0; i < exact.length; i++) {
    const wanted = exact[i] as number;
    const found = got[i] as number;
    let excess: number;
    if (!Number.isFinite(roundTo(wanted, dtype)) || !Number.isFinite(found)) {
      const neighbour = Math.abs(found) === Infinity && Number.isFinite(roundTo(found, dtype));
      excess = Object.is(found, roundTo(wanted, dtype)) && !neighbour ? 0 : Infinity;
      if (excess > 0) largestError = Infinity;
    } else {
      const error = Math.abs(found - wanted);
      const moved = noise ? (noise[i] as number) : 0;
      excess = error / (K * (halfUlp(scale[i] as number, dtype) + moved) + floor);
      largestError = Math.max(largestError, error);
      largestStep = Math.max(largestStep, halfUlp(scale[i] as number, dtype) + moved);
    }
    if (excess > element) {
      element = excess;
      worst = `element ${i}: ${found} instead of ${wanted}, ${(K * excess).toPrecision(3)} half-ulps off`;
    }
  }
  const tensor = largestError === 0 ? 0 : largestError / (K * largestStep + floor);
  return { tensor, element, worst };
}

/** Throws a sentence unless the tensor passes. */
export function expectRounded(
  name: string,
  got: ArrayLike<number>,
  exact: ArrayLike<number>,
  dtype: FloatDType,
  scale?: ArrayLike<number>,
  noise?: ArrayLike<number>,
): void {
  const { tensor, element, worst } = judge(got, exact, dtype, scale, noise);
  if (tensor <= 1 && element <= 1) return;
  throw new Error(
    `${name} (${dtype}): largest error ${(K * tensor).toPrecision(3)}, worst element ` +
      `${(K * element).toPrecision(3)} half-ulps, ${K} allowed; ${worst}`,
  );
}

/** The same for a float64 scalar that adds up float32-sized parts, the sum of whose sizes is `magnitude`. */
export function expectScalar(name: string, got: number, exact: number, magnitude: number, noise = 0): void {
  if (Object.is(got, exact)) return;
  const error = Math.abs(got - exact);
  const allowed = K * (halfUlp(Math.max(magnitude, 2 ** -126), 'float32') + noise);
  if (error <= allowed) return;
  throw new Error(`${name}: ${got} instead of ${exact}, an error of ${error} where ${allowed} is allowed`);
}
