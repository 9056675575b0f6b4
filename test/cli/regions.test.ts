// Where the page says that features are, against filling each region voxel by voxel, on fields with many ties.

import { persistenceSync } from 'cutloss';
import { describe, expect, test } from 'vitest';
import { regionsOf } from '../../src/cli/regions.js';
import { random } from '../support/random.js';

/** All that is connected to the seed through voxels that pass. */
function fill(
  shape: readonly number[],
  seed: number,
  diagonals: boolean,
  passes: (voxel: number) => boolean,
): Set<number> {
  const at = (voxel: number): number[] => {
    let rest = voxel;
    return shape.toReversed().map((extent) => {
      const place = rest % extent;
      rest = Math.floor(rest / extent);
      return place;
    });
  };
  const all = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, voxel) => voxel);
  const near = (a: number, b: number): boolean => {
    const steps = at(a).map((place, axis) => Math.abs(place - (at(b)[axis] as number)));
    return Math.max(...steps) === 1 && (diagonals || steps.reduce((x, y) => x + y, 0) === 1);
  };
  const found = new Set([seed]);
  for (const voxel of found)
    for (const next of all) if (!found.has(next) && passes(next) && near(voxel, next)) found.add(next);
  return found;
}

const cases = [
  [[8, 9], 0],
  [[8, 9], 1],
  [[3, 4, 4], 0],
  [[5, 5, 5], 2],
] as const;

describe.each(cases)('fields of %j, dimension %i', (shape, dimension) => {
  test.each(['superlevel', 'sublevel'] as const)('%s', (filtration) => {
    let regions = 0;
    for (let seed = 0; seed < 20; seed++) {
      const source = random(100 * dimension + seed);
      const size = shape.reduce<number>((a, b) => a * b, 1);
      const values = seed % 2 === 0 ? 4 : 50;
      // cavities are rare unless most of the field is foreground
      const data = Float32Array.from({ length: size }, () =>
        dimension < 2 || source.uniform() < 0.2
          ? source.below(values)
          : filtration === 'sublevel'
            ? 0
            : values,
      );
      const bars = persistenceSync({ data, shape: [1, ...shape] }, { filtration })[0]?.[dimension];
      if (bars === undefined) throw new Error('no bars');
      const earlier = (a: number, b: number): boolean => (filtration === 'sublevel' ? a < b : a > b);
      const filled = Array.from(bars.birth, (birth, bar) =>
        dimension === 0
          ? fill(shape, bars.birthIndex[bar] as number, false, (v) =>
              earlier(data[v] as number, bars.death[bar] as number),
            )
          : fill(shape, bars.deathIndex[bar] as number, true, (v) => earlier(birth, data[v] as number)),
      );
      const smallest = (fits: (region: Set<number>) => boolean): number =>
        filled.reduce(
          (best, region, bar) =>
            fits(region) && !(best >= 0 && (filled[best] as Set<number>).size <= region.size) ? bar : best,
          -1,
        );
      const found = regionsOf({ data, shape }, bars, dimension, filtration);
      expect([...(found?.labels ?? [])]).toEqual(
        Array.from(data, (_, voxel) => smallest((region) => region.has(voxel))),
      );
      expect([...(found?.parents ?? [])]).toEqual(
        filled.map((inner) =>
          smallest((region) => region.size > inner.size && [...inner].every((voxel) => region.has(voxel))),
        ),
      );
      regions += filled.length;
    }
    expect(regions).toBeGreaterThan(10);
  });
});

test('loops of volumes have none, and bars of the padding are left out', () => {
  const data = new Float32Array(27);
  const bars = {
    birth: Float32Array.of(1),
    death: Float32Array.of(0),
    birthIndex: Int32Array.of(-1),
    deathIndex: Int32Array.of(3),
  };
  expect(regionsOf({ data, shape: [3, 3, 3] }, bars, 1, 'superlevel')).toBeUndefined();
  const { labels, parents } = regionsOf({ data, shape: [3, 3, 3] }, bars, 0, 'superlevel') ?? {};
  expect(labels?.every((label) => label === -1)).toBe(true);
  expect([...(parents ?? [])]).toEqual([-1]);
});
