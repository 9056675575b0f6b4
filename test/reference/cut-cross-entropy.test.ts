// The reference against itself: its three gradients and the slope of its loss, for the options that meet in the logits.
// The rest is the business of the reference of crossEntropy, which it calls.

import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import type { CrossEntropyOptions } from './cross-entropy.js';
import { type CutCrossEntropyInputs, cutCrossEntropy } from './cut-cross-entropy.js';
import { distance, gradient } from './finite-differences.js';
import { focal } from './objectives.js';

const rows = 5;
const dim = 3;
const classes = 4;
const { normal, uniform } = random(11);
const fill = (count: number, value: () => number): Float64Array =>
  Float64Array.from({ length: count }, value);
const inputs: CutCrossEntropyInputs = {
  hidden: fill(rows * dim, normal),
  classifier: fill(classes * dim, normal),
  bias: fill(classes, normal),
  dim,
  classes,
  targets: [0, 3, -100, 2, 1],
  weights: fill(rows, () => 0.2 + uniform()),
  classWeights: fill(classes, () => 0.2 + uniform()),
};
const everything: CrossEntropyOptions = {
  labelSmoothing: 0.2,
  zLoss: 0.03,
  softcap: 3,
  temperature: 0.7,
  divisor: 3,
  upstream: 2,
};

describe('the gradients are the slopes of the loss', () => {
  const cases: [string, CrossEntropyOptions][] = [
    ['plain', {}],
    ['temperature', { temperature: 0.4 }],
    ['softcap and temperature', { softcap: 2, temperature: 3 }],
    ['focal', { objective: focal() }],
    ['upstream of each item', { reduction: 'none', upstream: fill(rows, normal) }],
    ['everything', everything],
  ];
  test.each(cases)('%s', (_, options) => {
    const { upstream = 1 } = options;
    const total = (changed: Partial<CutCrossEntropyInputs>): number => {
      const { loss, perItem } = cutCrossEntropy({ ...inputs, ...changed }, options);
      if (typeof upstream === 'number') return upstream * loss;
      return perItem.reduce((sum, item, i) => sum + item * (upstream[i] as number), 0);
    };
    const found = cutCrossEntropy(inputs, options);
    const slopes = {
      hidden: gradient((hidden) => total({ hidden }), inputs.hidden),
      classifier: gradient((classifier) => total({ classifier }), inputs.classifier),
      bias: gradient((bias) => total({ bias }), inputs.bias as Float64Array),
    };
    expect(distance(found.hiddenGradient, slopes.hidden)).toBeLessThan(1e-9);
    expect(distance(found.classifierGradient, slopes.classifier)).toBeLessThan(1e-9);
    expect(distance(found.biasGradient, slopes.bias)).toBeLessThan(1e-9);
  });
});

test('the temperature divides the product and not the bias', () => {
  const { logits } = cutCrossEntropy(
    { hidden: [2], classifier: [3, 5], bias: [1, 0.5], dim: 1, classes: 2, targets: [0] },
    { temperature: 2 },
  );
  expect(Array.from(logits)).toEqual([4, 5.5]);
});
