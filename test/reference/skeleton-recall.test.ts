// The reference of the skeleton recall: its gradient against finite differences; skeletons that a pencil finds, and what
// every skeleton keeps.

import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { distance, gradient } from './finite-differences.js';
import { type RegionInputs, type RegionOptions, regionLoss } from './regions.js';
import { skeleton } from './skeleton-recall.js';

const { normal, below } = random(5);

describe.each([
  [6, 7],
  [3, 4, 4],
])('%i × %i × %s', (...sides) => {
  const space = sides.filter((side) => side !== undefined);
  const pixels = space.reduce((a, b) => a * b, 1);
  const predictions = Float64Array.from({ length: 2 * pixels * 3 }, normal);
  const targets = Float64Array.from({ length: 2 * pixels }, () => below(3));
  const inputs: RegionInputs = {
    predictions,
    batch: 2,
    classes: 3,
    space,
    targets,
    classWeights: [1, 2, 0.5],
  };
  const options: readonly RegionOptions[] = [
    {},
    { tube: 0, over: 'class', activation: 'sigmoid' },
    { tube: 1, over: 'all', smooth: 1, crossEntropy: 1 },
    { background: true, ignoreIndex: 2, exponent: 2 },
  ];
  test.each(options)('%o: the gradient is the slope of the loss', (o) => {
    const some = Float64Array.from(predictions.subarray(0, 60));
    const value = (moved: Float64Array): number =>
      regionLoss(
        'skeletonRecall',
        { ...inputs, predictions: Float64Array.from([...moved, ...predictions.subarray(60)]) },
        o,
      ).loss;
    const exact = regionLoss('skeletonRecall', inputs, o).gradient.subarray(0, 60);
    expect(distance(exact, gradient(value, some))).toBeLessThan(1e-8);
  });
});

const drawn = (...rows: string[]): number[] =>
  rows.flatMap((row) => [...row].map((x) => (x === '#' ? 1 : 0)));
const picture = (mask: readonly boolean[], width: number): string[] =>
  Array.from({ length: mask.length / width }, (_, y) =>
    mask
      .slice(y * width, (y + 1) * width)
      .map((x) => (x ? '#' : '.'))
      .join(''),
  );

test('a thick bar becomes a line, a ring stays one, a square of four does not vanish', () => {
  const bar = drawn('.........', '.#######.', '.#######.', '.#######.', '.........');
  expect(picture(skeleton(bar, [5, 9], 0), 9)).toEqual([
    '.........',
    '.........',
    '.######..',
    '.........',
    '.........',
  ]);
  const ring = drawn('#####', '#####', '##.##', '#####', '#####');
  const thin = skeleton(ring, [5, 5], 0);
  expect(thin[12]).toBe(false);
  expect(thin.filter(Boolean).length).toBeLessThan(13);
  expect(skeleton(drawn('##', '##'), [2, 2], 0).some(Boolean)).toBe(true);
});

test('a thick rod in 3-D becomes a line along its axis, whose ends stay', () => {
  const rod = Array.from({ length: 3 * 3 * 7 }, () => 1);
  const left = skeleton(rod, [3, 3, 7], 0).flatMap((x, i) => (x ? [i] : []));
  expect(left.every((i) => Math.floor(i / 7) === 4)).toBe(true); // its middle
  expect(left.length).toBeGreaterThan(4);
});

test('a tube is what lies within so many steps along the axes', () => {
  const point = drawn('.....', '.....', '..#..', '.....', '.....');
  expect(picture(skeleton(point, [5, 5], 2), 5)).toEqual(['..#..', '.###.', '#####', '.###.', '..#..']);
});
