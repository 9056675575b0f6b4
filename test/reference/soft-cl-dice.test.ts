// The reference of soft clDice: its gradient against finite differences where no two neighbours are equal, who gets the
// gradient where they are, and skeletons that a pencil finds.

import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { distance, gradient } from './finite-differences.js';
import { type RegionInputs, type RegionOptions, regionLoss } from './regions.js';
import { softSkeleton } from './soft-cl-dice.js';

const { normal, uniform } = random(12);

describe.each([
  { space: [3, 4], classes: 2 },
  { space: [2, 3, 2], classes: 2 },
])('$space', ({ space, classes }) => {
  const batch = 2;
  const pixels = batch * space.reduce((a, b) => a * b, 1);
  const predictions = Float64Array.from({ length: pixels * classes }, normal);
  const inputs: RegionInputs = {
    predictions,
    batch,
    classes,
    space,
    labels: Float64Array.from(predictions, uniform),
    mask: Float64Array.from({ length: pixels }, (_, i) => (i % 7 === 3 ? 0 : 0.5 + uniform())),
    classWeights: [0.5, 2],
  };
  const options: readonly RegionOptions[] = [
    {},
    { iterations: 0 },
    { iterations: 1, activation: 'sigmoid', over: 'class' },
    { weight: 0.4, over: 'image', squared: true },
    { over: 'all', smooth: 1, crossEntropy: 0.5 },
    { background: false, weight: 0.5, exponent: 2 },
  ];
  test.each(options)('%o: the gradient is the slope of the loss', (o) => {
    const value = (at: Float64Array): number =>
      regionLoss('softClDice', { ...inputs, predictions: at }, o).loss;
    const exact = regionLoss('softClDice', inputs, o).gradient;
    expect(distance(exact, gradient(value, predictions, 1e-5))).toBeLessThan(1e-8);
  });

  test('sizes are at least as large as slopes', () => {
    const plane = Float64Array.from({ length: pixels / batch }, uniform);
    const { slopes, sizes } = softSkeleton(plane, space, 3).back(plane.map(normal));
    expect(slopes.every((slope, i) => Math.abs(slope) <= (sizes[i] as number) + 1e-12)).toBe(true);
  });
});

test('a bar of three rows keeps its middle, a line of one itself', () => {
  const bar = Float64Array.from({ length: 5 * 9 }, (_, i) => (i >= 9 && i < 36 ? 1 : 0));
  const middle = bar.map((_, i) => (i >= 18 && i < 27 ? 1 : 0));
  const found = softSkeleton(bar, [5, 9], 3).values;
  expect(Array.from(found.subarray(19, 26))).toEqual(Array.from(middle.subarray(19, 26)));
  expect(found.subarray(0, 9).every((s) => s === 0)).toBe(true);
  expect(softSkeleton(middle, [5, 9], 3).values).toEqual(middle);
});

test('of equal neighbours the first in row-major order has the gradient', () => {
  // all equal: nothing is opened off, nothing moves
  const flat = new Float64Array(9).fill(0.5);
  expect(softSkeleton(flat, [3, 3], 1).back(flat).slopes).toEqual(new Float64Array(9));
  // one pixel above its equal neighbours: its own slope is 1, and the opening is that of the first pixel
  const peak = flat.with(4, 0.75);
  const by = new Float64Array(9).fill(0).with(4, 1);
  expect(Array.from(softSkeleton(peak, [3, 3], 0).back(by).slopes)).toEqual([-1, 0, 0, 0, 1, 0, 0, 0, 0]);
});

test('perfect predictions of a line lose nothing', () => {
  const labels = Float64Array.from({ length: 7 * 7 }, (_, i) => (Math.floor(i / 7) === 3 ? 1 : 0));
  const o = { activation: 'none', smooth: 0 } as const;
  const line = { predictions: labels, batch: 1, classes: 1, labels, space: [7, 7] };
  expect(regionLoss('softClDice', line, o).loss).toBe(0);
});
