// Every row objective in float64: the loss as a function of the target's probability p, and the weight
// w = -dloss/dlog p that the gradient of the softmax is multiplied by. Each is derived here from the definition of the
// loss and checked by finite differences in objectives.test.ts; q = 1 - p and log p come without cancellation.

export interface TargetProbability {
  readonly p: number;
  readonly q: number; // 1 - p
  readonly logP: number;
}

export interface Term {
  readonly value: number;
  readonly weight: number; // -dvalue/dlogP
}

export type Objective = (target: TargetProbability) => Term;

/** -log p. */
export const crossEntropyObjective: Objective = ({ logP }) => ({ value: -logP, weight: 1 });

/** -(1 - p)^gamma log p. Detached, (1 - p)^gamma is a constant to the gradient. */
export const focal =
  ({ gamma = 2, detach = false }: { gamma?: number; detach?: boolean } = {}): Objective =>
  ({ p, q, logP }) => {
    if (gamma === 0) return { value: -logP, weight: 1 };
    if (q === 0) return { value: 0, weight: 0 };
    const factor = q ** gamma;
    const slopeOfFactor = p === 0 ? 0 : gamma * q ** (gamma - 1) * p * logP; // -dfactor/dlogP times log p
    return { value: -factor * logP, weight: detach ? factor : factor - slopeOfFactor };
  };

/** -log p + epsilon (1 - p). */
export const poly1 =
  ({ epsilon = 1 }: { epsilon?: number } = {}): Objective =>
  ({ p, q, logP }) => ({ value: -logP + epsilon * q, weight: 1 + epsilon * p });

/** (1 - p^q) / q, constant below p = truncateAt. */
export const generalized =
  ({ q: power = 0.7, truncateAt = 0 }: { q?: number; truncateAt?: number } = {}): Objective =>
  ({ p, logP }) => {
    if (truncateAt > 0 && p <= truncateAt) return { value: (1 - truncateAt ** power) / power, weight: 0 };
    return { value: -Math.expm1(power * logP) / power, weight: Math.exp(power * logP) };
  };

/** (p^(tau - 1) - 1) / (1 - tau); at tau = 1 its limit -log p. */
export const compSum =
  ({ tau }: { tau: number }): Objective =>
  ({ logP }) => {
    if (tau === 1) return { value: -logP, weight: 1 };
    return { value: Math.expm1((tau - 1) * logP) / (1 - tau), weight: Math.exp((tau - 1) * logP) };
  };

/** 1 - p. */
export const meanAbsolute: Objective = ({ p, q }) => ({ value: q, weight: p });

/** -alpha log p + beta A (1 - p), with A = -log 1e-4. */
export const symmetric =
  ({ alpha = 0.1, beta = 1 }: { alpha?: number; beta?: number } = {}): Objective =>
  ({ p, q, logP }) => {
    const a = -Math.log(1e-4);
    return { value: (alpha === 0 ? 0 : -alpha * logP) + beta * a * q, weight: alpha + beta * a * p };
  };

/** -log p + log(1 - p) up to p = end, then -log p plus the tangent; 1 - p is clipped at 1e-5. */
export const encouraging =
  ({ end = 0.75 }: { end?: number } = {}): Objective =>
  ({ p, q, logP }) => {
    if (p > end)
      return { value: -logP + Math.log(1 - end) - (p - end) / (1 - end), weight: 1 + p / (1 - end) };
    if (q <= 1e-5) return { value: -logP + Math.log(1e-5), weight: 1 };
    return { value: -logP + Math.log(q), weight: 1 / q }; // 1 + p / (1 - p)
  };

/** The built-in objectives by the name that the option has. */
export const objectives = {
  crossEntropy: () => crossEntropyObjective,
  focal,
  poly1,
  generalized,
  compSum,
  meanAbsolute: () => meanAbsolute,
  symmetric,
  encouraging,
} as const;

/** log(1 - exp(x)) for x <= 0, by whichever form does not cancel. */
const logOneMinusExp = (x: number): number =>
  x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));

/**
 * Pass@N over sequences of rows: with P = exp(sum of log p over a segment), -log(1 - (1 - P)^n), spread evenly over
 * the rows of the segment that count. Its weight is the same for each of them: n (1-P)^(n-1) P / (1 - (1-P)^n).
 */
export function passAtN(
  targets: readonly (TargetProbability | undefined)[], // undefined: the row does not count
  segments: ArrayLike<number>,
  n: number,
): (Term | undefined)[] {
  const sums = new Map<number, { logP: number; rows: number }>();
  targets.forEach((target, row) => {
    if (!target) return;
    const id = segments[row] as number;
    const sum = sums.get(id) ?? { logP: 0, rows: 0 };
    sums.set(id, { logP: sum.logP + target.logP, rows: sum.rows + 1 });
  });
  return targets.map((target, row) => {
    if (!target) return undefined;
    const { logP, rows } = sums.get(segments[row] as number) as { logP: number; rows: number };
    const success = Math.exp(logP);
    if (success === 0) return { value: (-logP - Math.log(n)) / rows, weight: 1 }; // the limit as P -> 0
    const logFailure = logOneMinusExp(logP); // log(1 - P)
    const atLeastOnce = -Math.expm1(n * logFailure); // 1 - (1 - P)^n
    const othersFail = n === 1 ? 1 : Math.exp((n - 1) * logFailure);
    return {
      value: -logOneMinusExp(n * logFailure) / rows,
      weight: (n * othersFail * success) / atLeastOnce,
    };
  });
}
