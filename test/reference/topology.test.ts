// The reference of topology against itself (slopes, symmetries, Betti numbers that are known), and against another
// implementation's pairs where they are at hand.

import { describe, expect, test } from 'vitest';
import { bettiCases, cropped, knownLines, linesOf, variants } from '../support/betti-cases.js';
import { random } from '../support/random.js';
import { distance, gradient } from './finite-differences.js';
import {
  bettiMatching,
  bettiMatchingError,
  bettiNumberError,
  bettiNumbers,
  type MatchingOptions,
  persistence,
} from './topology.js';

const { uniform } = random(11);
const noise = (...shape: number[]) => ({
  values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform),
  shape,
});
const ring = { values: [0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0], shape: [3, 5] };
const shell = { values: Array.from({ length: 27 }, (_, i) => (i === 13 ? 0 : 1)), shape: [3, 3, 3] };

describe('the gradient is the slope of the loss', () => {
  const options: [string, MatchingOptions][] = [
    ['superlevel', {}],
    ['sublevel', { filtration: 'sublevel' }],
    ['closed border', { border: 'closed' }],
    ['one dimension', { dimensions: [1] }],
    ['sigmoid', { activation: 'sigmoid' }],
    ['pushed to one and zero', { unmatched: { prediction: 'oneZero' } }],
    ['unmatched ignored', { unmatched: { prediction: 'ignore', target: 'ignore' } }],
    ['only long bars', { minPersistence: 0.317 }],
  ];
  /** Values far enough apart that a step of finite differences changes no order, nor does rounding to float32. */
  const apart = (...shape: number[]) => {
    const { values } = noise(...shape);
    const order = [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
    return { values: values.map((_, i) => order.indexOf(i) / order.length), shape };
  };
  test.each(options)('%s', (_, option) => {
    const [step, tolerance] = option.activation ? [2e-3, 1e-3] : [1e-4, 1e-9];
    for (const shape of [
      [5, 6],
      [3, 3, 4],
    ]) {
      const [prediction, target] = [apart(...shape), noise(...shape)];
      const loss = (values: Float64Array): number => bettiMatching({ values, shape }, target, option).loss;
      const slopes = gradient(loss, prediction.values, step);
      // the padding follows the largest value, but is a constant to the gradient
      if (option.border === 'closed') {
        const largest = prediction.values.indexOf(Math.max(...prediction.values));
        slopes[largest] = bettiMatching(prediction, target, option).gradient[largest] as number;
      }
      const found = bettiMatching(prediction, target, option).gradient;
      expect(distance(found, slopes)).toBeLessThan(tolerance);
    }
  });
});

describe('persistence', () => {
  test('of a ring is a hole that lasts, of a shell a cavity', () => {
    expect(persistence(ring)).toEqual([[], [{ birth: 1, death: 0, birthIndex: 13, deathIndex: 7 }]]);
    expect(persistence(shell).map((bars) => bars.length)).toEqual([0, 0, 1]);
  });
  test('a field matches itself', () => {
    for (const field of [noise(6, 7), noise(3, 4, 4), ring, shell]) {
      const { loss, dimensions } = bettiMatching(field, field);
      expect(loss).toBe(0);
      for (const each of dimensions)
        expect([...each.unmatchedPrediction, ...each.unmatchedTarget]).toEqual([]);
    }
  });
});

describe('Betti numbers', () => {
  test('of a ring, a shell and nothing', () => {
    expect(bettiNumbers(ring)).toEqual([1, 1]);
    expect(bettiNumbers(shell)).toEqual([1, 0, 1]);
    expect(bettiNumbers({ values: new Float64Array(9), shape: [3, 3] })).toEqual([0, 0]);
    expect(bettiNumberError(ring, { values: new Float64Array(15), shape: [3, 5] })).toBe(2);
  });
});

describe.runIf(bettiCases().length > 0)('as another implementation pairs', () => {
  describe.each(Object.entries(variants))('%s', (name, options) => {
    test.each(bettiCases().map((item) => [`${item.id} ${item.name}`, item] as const))('%s', (_, item) => {
      const { shape, prediction, target } = item;
      const known = item.variants[name] as (typeof item.variants)[string];
      const found = bettiMatching({ values: prediction, shape }, { values: target, shape }, options);
      expect(found.dimensions.map(linesOf)).toEqual(
        known.dims.map((each) => knownLines(each, shape, options.border === 'closed')),
      );
      expect(Math.abs(found.loss - known.loss.total)).toBeLessThan(1e-9);
      expect(distance(found.gradient, cropped(known, shape))).toBeLessThan(1e-9);
    });
  });
  test.each(bettiCases().map((item) => [`${item.id} ${item.name}`, item] as const))(
    'metrics of %s',
    (_, item) => {
      const { shape, metric } = item;
      const fields = [item.prediction, item.target].map((values) => ({ values, shape })) as [
        typeof ring,
        typeof ring,
      ];
      const options = { threshold: metric.threshold };
      expect(bettiNumbers(fields[0], options)).toEqual(metric.betti_pred);
      expect(bettiNumbers(fields[1], options)).toEqual(metric.betti_target);
      expect(bettiNumberError(...fields, options)).toBe(metric.betti_number_error.total);
      expect(bettiMatchingError(...fields, options)).toBe(metric.betti_matching_error.total);
    },
  );
});
