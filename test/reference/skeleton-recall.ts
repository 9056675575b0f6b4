// Skeleton recall (Kirchhoff et al. 2024) with skeletons in plain loops over sets of pixels: of each pixel's neighbours
// the methods are asked what they ask in the papers, by walking and by counting.

import type { Pixel } from './region-terms.js';
import type { Grouping, PlaneLoss, RegionOptions } from './regions.js';

type Place = readonly number[];

/** A mask as a set of places, all of them inside the image. */
class Mask {
  readonly #pixels = new Set<string>();
  has = (place: Place): boolean => this.#pixels.has(`${place}`);
  add = (place: Place): unknown => this.#pixels.add(`${place}`);
  remove = (place: Place): unknown => this.#pixels.delete(`${place}`);
}

const plus = (a: Place, b: Place): Place => a.map((x, axis) => x + (b[axis] as number));

/** All vectors of so many numbers out of a list, in row-major order. */
function vectors(axes: number, values: readonly number[]): Place[] {
  if (axes === 0) return [[]];
  return values.flatMap((value) => vectors(axes - 1, values).map((rest) => [value, ...rest]));
}

/** Rounds of several parts each, until none takes a pixel: chosen together, they are taken one by one if they still may. */
function thin(
  mask: Mask,
  places: readonly Place[],
  parts: readonly { chosen: (place: Place) => boolean; stillMay: (place: Place) => boolean }[],
): void {
  for (let taken = -1; taken !== 0; ) {
    taken = 0;
    for (const { chosen, stillMay } of parts) {
      for (const place of places.filter((at) => mask.has(at) && chosen(at))) {
        if (!stillMay(place)) continue;
        mask.remove(place);
        taken++;
      }
    }
  }
}

/** Zhang and Suen (1984): P2 … P9 clockwise from above. */
function thin2d(mask: Mask, places: readonly Place[]): void {
  // biome-ignore format: a ring
  const clockwise = [[-1, 0], [-1, 1], [0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1]];
  const mayGo = (first: boolean) => (place: Place) => {
    const p = clockwise.map((step) => (mask.has(plus(place, step)) ? 1 : 0));
    const count = p.reduce<number>((a, b) => a + b, 0);
    const patterns = p.filter((own, k) => own === 0 && p[(k + 1) % 8] === 1).length;
    const [p2, , p4, , p6, , p8] = p as [number, number, number, number, number, number, number];
    const corners = first ? p2 * p4 * p6 + p4 * p6 * p8 : p2 * p4 * p8 + p2 * p6 * p8;
    return count >= 2 && count <= 6 && patterns === 1 && corners === 0;
  };
  thin(
    mask,
    places,
    [true, false].map((first) => ({ chosen: mayGo(first), stillMay: mayGo(first) })),
  );
}

/** Lee, Kashyap and Chu (1994). */
function thin3d(mask: Mask, places: readonly Place[]): void {
  const around = vectors(3, [-1, 0, 1]).filter((step) => step.some((x) => x !== 0));
  const neighbours = (place: Place): Place[] => around.map((step) => plus(place, step)).filter(mask.has);

  /** Corners, edges, faces and the body of the cubes around a place, each by its centre; of those, the Euler number. */
  const eulerNumber = (cubes: readonly Place[]): number => {
    const cells = new Set(
      cubes.flatMap((cube) =>
        vectors(3, [-1, 0, 1]).map((step) => `${cube.map((x, axis) => 2 * x + (step[axis] as number))}`),
      ),
    );
    let number = 0;
    for (const cell of cells) {
      const dimensions = cell.split(',').filter((x) => Number(x) % 2 === 0).length;
      number += dimensions % 2 === 0 ? 1 : -1;
    }
    return number;
  };
  const hangTogether = (list: readonly Place[]): boolean => {
    const [first, ...others] = list;
    const reached = first ? [first] : [];
    let rest = others;
    for (const from of reached) {
      const near = rest.filter((to) => to.every((x, axis) => Math.abs(x - (from[axis] as number)) <= 1));
      rest = rest.filter((to) => !near.includes(to));
      reached.push(...near);
    }
    return rest.length === 0;
  };
  // biome-ignore format: three axes
  const sides = [[0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0]];
  thin(
    mask,
    places,
    sides.map((side) => ({
      chosen: (place: Place) => {
        if (mask.has(plus(place, side))) return false;
        const list = neighbours(place);
        return list.length !== 1 && eulerNumber([place, ...list]) === eulerNumber(list) && hangTogether(list);
      },
      stillMay: (place: Place) => hangTogether(neighbours(place)),
    })),
  );
}

const known = new Map<string, boolean[]>();

/** Of a mask in row-major order, the skeleton, widened by so many steps along the axes. */
export function skeleton(values: readonly number[], space: readonly number[], tube: number): boolean[] {
  const key = `${values.join('')} ${space} ${tube}`;
  const found = known.get(key) ?? findSkeleton(values, space, tube);
  known.set(key, found);
  return found;
}

function findSkeleton(values: readonly number[], space: readonly number[], tube: number): boolean[] {
  let places: Place[] = [[]];
  for (const side of space)
    places = places.flatMap((place) => Array.from({ length: side }, (_, x) => [...place, x]));
  const mask = new Mask();
  places.forEach((place, i) => {
    if (values[i]) mask.add(place);
  });
  (space.length === 2 ? thin2d : thin3d)(mask, places);
  const left = places.filter(mask.has);
  return places.map((place) =>
    left.some(
      (other) => other.reduce((sum, x, axis) => sum + Math.abs(x - (place[axis] as number)), 0) <= tube,
    ),
  );
}

export function skeletonRecall(pixels: readonly Pixel[], grouping: Grouping, o: RegionOptions): PlaneLoss {
  const { regions, first, classes, images, space, regionOf, classWeight } = grouping;
  const count = images === 0 ? 0 : pixels.length / images;
  const covers = (i: number, c: number): boolean => {
    const { y, weight } = pixels[i] as Pixel;
    return weight !== 0 && (y[c] as number) > 0.5;
  };
  const counted = Array.from({ length: classes - first }, (_, k) => first + k);
  const tubes = Array.from({ length: count === 0 ? 0 : images }, (_, image) =>
    skeleton(
      Array.from({ length: count }, (_, i) => (counted.some((c) => covers(image * count + i, c)) ? 1 : 0)),
      space,
      o.tube ?? 2,
    ),
  ).flat();
  const inTube = (i: number, c: number): boolean => (tubes[i] as boolean) && covers(i, c);

  const found = new Float64Array(regions);
  const all = new Float64Array(regions);
  pixels.forEach(({ p, weight }, i) => {
    for (const c of counted) {
      if (!inTube(i, c)) continue;
      const region = regionOf(i, c);
      found[region] = (found[region] as number) + classWeight(c) * weight * (p[c] as number);
      all[region] = (all[region] as number) + classWeight(c) * weight;
    }
  });
  const smooth = o.smooth ?? 1e-5;
  const { numerator, denominator } =
    typeof smooth === 'object' ? smooth : { numerator: smooth, denominator: smooth };
  const below = all.map((size) => size + denominator);
  const values = found.map((sum, region) =>
    below[region] === 0 ? 0 : 1 - (sum + numerator) / (below[region] as number),
  );
  const slopes = new Float64Array(pixels.length * classes);
  pixels.forEach((_, i) => {
    for (const c of counted)
      if (inTube(i, c)) slopes[i * classes + c] = -classWeight(c) / (below[regionOf(i, c)] as number);
  });
  return { values, slopes, sizes: slopes.map(Math.abs), share: 1 };
}
