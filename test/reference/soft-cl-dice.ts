// Soft clDice (Shit et al. 2021) as the paper's algorithm has it: the soft skeleton by min- and max-pooling, how much of
// the skeleton of each lies in the other, and the harmonic mean of both. Every pool remembers whom it took each value
// from, the first in row-major order where several are equal, so that the way back is the same lists read backwards.

import type { Pixel } from './region-terms.js';
import type { Grouping, PlaneLoss, RegionOptions } from './regions.js';

interface Pooled {
  readonly values: Float64Array;
  readonly from: Int32Array;
}

const lists = new Map<string, number[][]>();

/** The pixels around each: along one axis at a time, or all that touch it. In row-major order. */
function neighbours(space: readonly number[], crossOnly: boolean): number[][] {
  const key = `${space} ${crossOnly}`;
  const list = lists.get(key) ?? listNeighbours(space, crossOnly);
  lists.set(key, list);
  return list;
}

function listNeighbours(space: readonly number[], crossOnly: boolean): number[][] {
  const size = space.reduce((a, b) => a * b, 1);
  const place = (pixel: number): number[] => {
    let rest = pixel;
    return [...space]
      .reverse()
      .map((side) => {
        const at = rest % side;
        rest = Math.floor(rest / side);
        return at;
      })
      .reverse();
  };
  const places = Array.from({ length: size }, (_, i) => place(i));
  return places.map((own) =>
    places.flatMap((other, i) => {
      const steps = own.map((at, axis) => Math.abs(at - (other[axis] as number)));
      const sum = steps.reduce((a, b) => a + b, 0);
      return Math.max(...steps) <= 1 && (!crossOnly || sum <= 1) ? [i] : [];
    }),
  );
}

function pool(plane: Float64Array, around: number[][], better: (a: number, b: number) => boolean): Pooled {
  const from = Int32Array.from(around, (list) =>
    list.reduce((best, i) => (better(plane[i] as number, plane[best] as number) ? i : best)),
  );
  return { values: Float64Array.from(from, (i) => plane[i] as number), from };
}

export interface Skeleton {
  readonly values: Float64Array;
  /** Slopes by the plane of Σ by_i s_i, and the sizes of what each adds up. */
  back(by: Float64Array): { slopes: Float64Array; sizes: Float64Array };
}

export function softSkeleton(plane: Float64Array, space: readonly number[], iterations: number): Skeleton {
  const [cross, all] = [neighbours(space, true), neighbours(space, false)];
  const rounds: { eroded: Pooled; opened: Pooled; d: Float64Array; before: Float64Array }[] = [];
  let level = plane;
  let skeleton = new Float64Array(plane.length);
  for (let j = 0; j <= iterations; j++) {
    const eroded = pool(level, cross, (a, b) => a < b);
    const opened = pool(eroded.values, all, (a, b) => a > b);
    const d = level.map((value, i) => Math.max(value - (opened.values[i] as number), 0));
    rounds.push({ eroded, opened, d, before: skeleton });
    skeleton = skeleton.map((s, i) => s + Math.max((d[i] as number) - s * (d[i] as number), 0));
    level = eroded.values;
  }
  const back = (by: Float64Array) => {
    let bySkeleton = by.slice();
    let sizeOfSkeleton = by.map(Math.abs);
    let slopes = new Float64Array(by.length);
    let sizes = new Float64Array(by.length);
    for (const { eroded, opened, d, before } of rounds.toReversed()) {
      const own = new Float64Array(by.length);
      const ownSize = new Float64Array(by.length);
      const [next, nextSize] = [slopes, sizes];
      const [s, size] = [bySkeleton, sizeOfSkeleton];
      const grows = d.map((value, i) => (value - (before[i] as number) * value > 0 ? 1 : 0));
      for (let i = 0; i < by.length; i++) {
        if (grows[i] === 0) continue;
        const rest = 1 - (before[i] as number);
        const winner = opened.from[i] as number;
        own[i] = (own[i] as number) + (s[i] as number) * rest;
        ownSize[i] = (ownSize[i] as number) + (size[i] as number);
        next[winner] = (next[winner] as number) - (s[i] as number) * rest;
        nextSize[winner] = (nextSize[winner] as number) + (size[i] as number);
      }
      bySkeleton = s.map((value, i) => value * (grows[i] ? 1 - (d[i] as number) : 1));
      sizeOfSkeleton = size;
      eroded.from.forEach((winner, i) => {
        own[winner] = (own[winner] as number) + (next[i] as number);
        ownSize[winner] = (ownSize[winner] as number) + (nextSize[i] as number);
      });
      [slopes, sizes] = [own, ownSize];
    }
    return { slopes, sizes };
  };
  return { values: skeleton, back };
}

export function softClDice(pixels: readonly Pixel[], grouping: Grouping, o: RegionOptions): PlaneLoss {
  const { regions, first, classes, images, space, regionOf, classWeight } = grouping;
  const count = images === 0 ? 0 : pixels.length / images;
  const smooth = o.smooth ?? 1e-5;
  const { numerator, denominator } =
    typeof smooth === 'object' ? smooth : { numerator: smooth, denominator: smooth };
  const lines = Array.from({ length: count === 0 ? 0 : images }, (_, image) =>
    Array.from({ length: classes - first }, (_, k) => {
      const c = first + k;
      const own = pixels.slice(image * count, (image + 1) * count);
      const counted = (read: (pixel: Pixel) => number): Float64Array =>
        Float64Array.from(own, (pixel) => (pixel.weight === 0 ? 0 : read(pixel)));
      const p = counted((pixel) => pixel.p[c] as number);
      const y = counted((pixel) => pixel.y[c] as number);
      const m = counted((pixel) => pixel.weight);
      const s = softSkeleton(p, space, o.iterations ?? 3);
      const t = softSkeleton(y, space, o.iterations ?? 3).values;
      return { image, c, p, y, m, s, t, region: regionOf(image * count, c) };
    }),
  ).flat();

  const sums = Array.from({ length: regions }, () => [0, 0, 0, 0]);
  for (const { region, c, p, y, m, s, t } of lines)
    m.forEach((weight, i) => {
      const [grown, label] = [weight * (s.values[i] as number), weight * (t[i] as number)];
      [grown * (y[i] as number), grown, label * (p[i] as number), label].forEach((part, k) => {
        const list = sums[region] as number[];
        list[k] = (list[k] as number) + classWeight(c) * part;
      });
    });
  const ratio = (u: number, v: number) => {
    const below = v + denominator;
    const value = below === 0 ? 1 : (u + numerator) / below;
    return { value, byU: below === 0 ? 0 : 1 / below, byV: below === 0 ? 0 : -value / below };
  };
  const found = sums.map(([a = 0, b = 0, c = 0, d = 0]) => {
    const [precision, sensitivity] = [ratio(a, b), ratio(c, d)];
    const both = precision.value + sensitivity.value;
    if (both === 0) return { value: 1, by: [0, 0, 0] };
    const byPrecision = 2 * (sensitivity.value / both) ** 2;
    const bySensitivity = 2 * (precision.value / both) ** 2;
    return {
      value: 1 - (2 * precision.value * sensitivity.value) / both,
      by: [byPrecision * precision.byU, byPrecision * precision.byV, bySensitivity * sensitivity.byU],
    };
  });

  const slopes = new Float64Array(pixels.length * classes);
  const sizes = new Float64Array(pixels.length * classes);
  for (const { region, image, c, y, m, s, t } of lines) {
    const [a = 0, b = 0, d = 0] = (found[region] as (typeof found)[number]).by.map(
      (x) => -x * classWeight(c),
    );
    const { slopes: own, sizes: ownSizes } = s.back(y.map((label, i) => (m[i] as number) * (a * label + b)));
    const { sizes: apart } = s.back(
      y.map((label, i) => Math.abs(m[i] as number) * (Math.abs(a * label) + Math.abs(b))),
    );
    m.forEach((weight, i) => {
      const at = (image * count + i) * classes + c;
      if (weight === 0) return;
      slopes[at] = (own[i] as number) / weight + d * (t[i] as number);
      sizes[at] =
        Math.max(ownSizes[i] as number, apart[i] as number) / Math.abs(weight) +
        Math.abs(d * (t[i] as number));
    });
  }
  return { values: found.map(({ value }) => value), slopes, sizes, share: o.weight ?? 1 };
}
