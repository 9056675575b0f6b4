// The reference of the losses of regions: its gradient against finite differences of its own value, for every loss, index
// and option; and values known in closed form.

import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { distance, gradient } from './finite-differences.js';
import { type Kind, type RegionInputs, type RegionOptions, regionLoss } from './regions.js';

const { normal, uniform, below } = random(4);
const [batch, count, classes] = [2, 4, 3];
const logits = Float64Array.from({ length: batch * count * classes }, normal);
const targets = Float64Array.from({ length: batch * count }, () => below(classes));
const labels = Float64Array.from(logits, uniform);
const mask = Float64Array.from(targets, (_, i) => (i % 5 === 1 ? 0 : uniform()));
const classWeights = [0.5, 1, 2];
const ids: RegionInputs = { predictions: logits, batch, classes, targets };
const soft: RegionInputs = { predictions: logits, batch, classes, labels };

const kinds: readonly [Kind, RegionOptions][] = [
  ['dice', {}],
  ['jaccard', {}],
  ['tversky', { alpha: 0.3, beta: 0.7 }],
  ['generalizedDice', {}],
  ['generalizedDice', { weighting: 'simple', over: 'all' }],
  ['selfAdjustingDice', {}],
  ['selfAdjustingDice', { alpha: 2 }],
  ['lovasz', { classes: 'all' }],
  ['asymmetric', {}],
  ['asymmetric', { reduction: 'sum', gammaPositive: 0, gammaNegative: 2, margin: 0 }],
  ...(['fBeta', 'accuracy', 'balancedAccuracy', 'gMean', 'mcc'] as const).map(
    (metric): [Kind, RegionOptions] => ['anyLoss', { metric, amplify: 3, over: 'class' }],
  ),
];
const options: readonly RegionOptions[] = [
  {},
  { over: 'class' },
  { over: 'image' },
  { over: 'all', reduction: 'sum' },
  { activation: 'sigmoid' },
  { activation: 'none' },
  { background: false, smooth: 1 },
  { squared: true },
  { labels: 'l1' },
  { exponent: 2 },
  { log: true, smooth: { numerator: 0.5, denominator: 1 } },
  { crossEntropy: 0.7 },
  { focal: { weight: 0.3 }, activation: 'sigmoid' },
  { focal: { weight: 0.3, gamma: 1.5, alpha: 0.25 }, crossEntropy: 1 },
  { reduction: 'none', upstream: -2 },
];

/** A metric may be negative, and has no logarithm then; the asymmetric loss has no region and takes logits. */
const fits =
  (kind: Kind, own: RegionOptions) =>
  ({ log, activation }: RegionOptions): boolean =>
    !(own.metric === 'mcc' && log) && !(kind === 'asymmetric' && activation === 'none');

describe.each(kinds)('%s %o', (kind, own) => {
  test.each(options.filter(fits(kind, own)))('%o: the gradient is the slope of the loss', (option) => {
    const o = { ...own, ...option };
    for (const inputs of [ids, soft, { ...ids, mask, classWeights }]) {
      const value = (predictions: Float64Array): number =>
        regionLoss(kind, { ...inputs, predictions }, { ...o, upstream: 1 }).loss;
      const scale = typeof o.upstream === 'number' ? o.upstream : 1;
      const exact = regionLoss(kind, inputs, o).gradient.map((x) => x / scale);
      expect(distance(exact, gradient(value, logits, 2e-4))).toBeLessThan(1e-7);
    }
  });
});

test('two equal halves: Dice 1/2, Jaccard 2/3', () => {
  const predictions = [1, 0, 1, 0];
  const half = { predictions, batch: 1, classes: 1, labels: [1, 1, 0, 0] };
  const o = { activation: 'none', smooth: 0 } as const;
  expect(regionLoss('dice', half, o).loss).toBe(0.5);
  expect(regionLoss('jaccard', half, o).loss).toBeCloseTo(2 / 3, 15);
});

test('Tversky at one half is Dice, at one Jaccard; l1 with hard labels is the product', () => {
  const value = (kind: Kind, o: RegionOptions): number => regionLoss(kind, ids, { smooth: 0, ...o }).loss;
  expect(value('tversky', {})).toBeCloseTo(value('dice', {}), 14);
  expect(value('tversky', { alpha: 1, beta: 1 })).toBeCloseTo(value('jaccard', {}), 14);
  for (const kind of ['dice', 'jaccard', 'tversky'] as const)
    expect(value(kind, { labels: 'l1' })).toBeCloseTo(value(kind, {}), 14);
});
