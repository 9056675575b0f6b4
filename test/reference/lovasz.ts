// The Lovász extension of the Jaccard loss, as Berman et al. (2018) write it down, for pixels that weigh m and labels y
// between 0 and 1: sort the errors |p − y|, and let each pixel in turn join the set of the mispredicted ones, whose
// Jaccard loss is
//
//   1 − (Y − Σ m y) / (Y + Σ m (1 − y))     over the set, with Y the size of the target.

import type { Pixel } from './region-terms.js';
import type { Grouping, PlaneLoss } from './regions.js';

interface Member {
  readonly at: number; // in [batch, pixels, classes]
  readonly error: number;
  readonly sign: number; // of p − y; where that is 0, as it is between 0 and 1
  readonly weight: number;
  readonly y: number;
}

export function lovasz(pixels: readonly Pixel[], grouping: Grouping): PlaneLoss {
  const { regions, first, classes, regionOf, classWeight } = grouping;
  const members: Member[][] = Array.from({ length: regions }, () => []);
  // of equal errors that of the earlier class comes first, then that of the earlier pixel
  for (let c = first; c < classes; c++) {
    pixels.forEach(({ p, rest, y, weight }, i) => {
      if (weight === 0) return;
      const label = y[c] as number;
      const difference = label === 1 ? -(rest[c] as number) : (p[c] as number) - label;
      members[regionOf(i, c)]?.push({
        at: i * classes + c,
        error: Math.abs(difference),
        sign: difference !== 0 ? Math.sign(difference) : label === 1 ? -1 : label === 0 ? 1 : 0,
        weight: weight * classWeight(c),
        y: label,
      });
    });
  }
  const slopes = new Float64Array(pixels.length * classes);
  const values = members.map((list) => {
    const target = list.reduce((sum, { weight, y }) => sum + weight * y, 0);
    let [missed, added, before, loss] = [0, 0, 0, 0];
    for (const { at, error, sign, weight, y } of list.sort((a, b) => b.error - a.error)) {
      missed += weight * y;
      added += weight * (1 - y);
      const union = target + added;
      const jaccard = union === 0 ? 0 : 1 - (target - missed) / union;
      loss += error * (jaccard - before);
      slopes[at] = (sign * (jaccard - before)) / (pixels[Math.floor(at / classes)] as Pixel).weight;
      before = jaccard;
    }
    return loss;
  });
  return { values, slopes, sizes: slopes.map(Math.abs), share: 1 };
}
