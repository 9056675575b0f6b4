// The indices of overlap in the reference of the losses of regions: from the moments of a region to its loss, and to the
// slopes by the moments.

import { slope } from './finite-differences.js';
import type { Kind, RegionOptions } from './regions.js';

export interface Moments {
  I: number;
  P: number;
  Y: number;
  A: number;
  B: number;
  M: number;
  n: number;
}

export interface Judged {
  value: number;
  magnitude: number;
  a: number; // ∂/∂I
  b: number; // ∂/∂P
  c: number; // ∂/∂A
  d: number; // ∂/∂M
  e: number; // ∂/∂(the loss of the planes)
}

export function judge(
  kind: Kind,
  o: RegionOptions,
  m: Moments,
  ofPlanes?: { share: number; index: number },
): Judged {
  const share = ofPlanes?.share ?? 0;
  const value = (share === 1 ? 0 : (1 - share) * indexOf(kind, o, m)) + share * (ofPlanes?.index ?? 0);
  const gamma = o.exponent ?? 1;
  const distance = o.log ? -Math.log(value) : 1 - value;
  const loss = gamma === 1 ? distance : Math.max(distance, 0) ** gamma;
  const outer = gamma === 1 ? 1 : distance <= 0 ? 0 : gamma * distance ** (gamma - 1);
  const inner = o.log ? -1 / value : -1;
  const by = (name: 'I' | 'P' | 'A' | 'M'): number => {
    if (outer === 0 || share === 1) return 0;
    const derivative = (1 - share) * slopeOf(kind, o, m, name);
    return derivative === 0 ? 0 : outer * inner * derivative;
  };
  const magnitude =
    gamma === 1
      ? o.log
        ? 1 + Math.abs(distance)
        : 1 + Math.abs(value)
      : loss + outer * (1 + Math.abs(value));
  return {
    value: loss,
    magnitude,
    a: by('I'),
    b: by('P'),
    c: by('A'),
    d: by('M'),
    e: outer * -inner * share,
  };
}

/** ∂index/∂moment: of the ratios by hand, of the metrics by differences, for they are smooth functions of four numbers. */
function slopeOf(kind: Kind, o: RegionOptions, m: Moments, name: 'I' | 'P' | 'A' | 'M'): number {
  if (kind !== 'anyLoss') {
    const { u, v } = ratioOf(kind, o, m);
    const zero: Moments = { I: 0, P: 0, Y: 0, A: 0, B: 0, M: 0, n: 0 };
    const one = ratioOf(kind, o, { ...zero, [name]: 1 }); // numerator and denominator are linear
    const none = ratioOf(kind, o, zero);
    return v === 0 ? 0 : (one.u - none.u - (u / v) * (one.v - none.v)) / v;
  }
  const size = Math.max(Math.abs(m[name]), 1e-3 * m.n);
  return slope((x) => indexOf(kind, o, { ...m, [name]: m[name] + x * size }), 0) / size;
}

function indexOf(kind: Kind, o: RegionOptions, m: Moments): number {
  const { s, t, both, P, Y } = measured(o, m);
  const ratio = (u: number, v: number): number => (v === 0 ? 1 : u / v);
  const negatives = m.n - Y;
  const trueNegatives = negatives - P + both;
  if (kind !== 'anyLoss') {
    const { u, v } = ratioOf(kind, o, m);
    return ratio(u, v);
  }
  switch (o.metric) {
    case 'accuracy':
      return ratio(both + trueNegatives + s, m.n + t);
    case 'balancedAccuracy':
      return (ratio(both + s, Y + t) + ratio(trueNegatives + s, negatives + t)) / 2;
    case 'gMean':
      return Math.sqrt(Math.max(0, ratio(both * trueNegatives + s, Y * negatives + t)));
    case 'mcc': {
      const root = Math.sqrt(P * Y * (m.n - P) * (m.n - Y));
      return root + t === 0 ? 0 : (both * m.n - P * Y + s) / (root + t);
    }
    default: {
      const square = (o.beta as number) ** 2;
      return ratio((1 + square) * both + s, square * Y + P + t);
    }
  }
}

function measured(
  o: RegionOptions,
  m: Moments,
): { s: number; t: number; both: number; P: number; Y: number } {
  const smooth = o.smooth ?? 1e-5;
  const { numerator: s, denominator: t } =
    typeof smooth === 'object' ? smooth : { numerator: smooth, denominator: smooth };
  const both = o.labels === 'l1' ? m.M : m.I; // M = (P + Y - Σ |q - y|) / 2
  return { s, t, both, P: o.squared ? m.A : m.P, Y: o.squared ? m.B : m.Y };
}

function ratioOf(kind: Kind, o: RegionOptions, m: Moments): { u: number; v: number } {
  const { s, t, both, P, Y } = measured(o, m);
  switch (kind) {
    case 'jaccard':
      return { u: both + s, v: P + Y - both + t };
    case 'tversky': {
      const { alpha = 0.5, beta = 0.5 } = o;
      return { u: both + s, v: both + alpha * (P - both) + beta * (Y - both) + t };
    }
    default:
      return { u: 2 * both + s, v: P + Y + t };
  }
}
