// The reference against itself: its gradient and the slope of its loss, for every objective and option. Then its values
// against PyTorch's, kept in test/golden by generate.py.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { type CrossEntropyInputs, type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';
import { distance, gradient } from './finite-differences.js';
import * as objective from './objectives.js';

const rows = 6;
const classes = 5;
const { normal, uniform, below } = random(7);
const fill = (count: number, value: () => number): Float64Array =>
  Float64Array.from({ length: count }, value);
const logits = fill(rows * classes, () => 2 * normal());
const targets = [0, 3, 2, -100, 4, 1];
const weights = fill(rows, () => 0.2 + uniform());
const classWeights = fill(classes, () => 0.2 + uniform());
const probabilities = fill(rows * classes, uniform);
const upstream = fill(rows, normal);
const segments = [1, 1, 2, 2, 2, 7];

/** What the gradient should be the slope of: the loss, times the upstream. */
function objectiveOf(inputs: CrossEntropyInputs, options: CrossEntropyOptions): (at: Float64Array) => number {
  return (at) => {
    const { loss, perItem } = crossEntropy({ ...inputs, logits: at }, options);
    const { upstream: scale = 1 } = options;
    if (typeof scale === 'number') return scale * loss;
    return perItem.reduce((sum, item, i) => sum + item * (scale[i] as number), 0);
  };
}

function expectSlope(inputs: CrossEntropyInputs, options: CrossEntropyOptions): void {
  const expected = gradient(objectiveOf(inputs, options), inputs.logits);
  expect(distance(crossEntropy(inputs, options).gradient, expected)).toBeLessThan(1e-9);
}

const ids: CrossEntropyInputs = { logits, classes, targets };
const all: CrossEntropyInputs = { ...ids, weights, classWeights };
const soft: CrossEntropyInputs = { logits, classes, probabilities };

describe('the gradient is the slope of the loss', () => {
  const optionCases: [string, CrossEntropyInputs, CrossEntropyOptions][] = [
    ['plain', ids, {}],
    ['sum', ids, { reduction: 'sum' }],
    ['upstream of each item', ids, { reduction: 'none', upstream }],
    ['one upstream', all, { upstream: -2.5 }],
    ['weights and class weights', all, {}],
    ['label smoothing', ids, { labelSmoothing: 0.1 }],
    ['label smoothing of everything', all, { labelSmoothing: 1 }],
    ['label smoothing with class weights', all, { labelSmoothing: 0.3 }],
    ['z-loss', all, { zLoss: 0.05 }],
    ['softcap', all, { softcap: 1.5 }],
    ['temperature', all, { temperature: 0.4 }],
    ['softcap and temperature', all, { softcap: 2, temperature: 3 }],
    ['divisor', all, { divisor: 17 }],
    ['shift', { ...all, targets: [9, 3, 2, 9, 4, 1] }, { shift: 1, time: 3, ignoreIndex: -1 }],
    ['ignoreIndex inside the classes', all, { ignoreIndex: 2 }],
    ['probabilities', soft, {}],
    [
      'probabilities, weights and smoothing',
      { ...soft, weights, classWeights },
      { labelSmoothing: 0.2, zLoss: 0.01 },
    ],
    [
      'everything',
      all,
      { labelSmoothing: 0.2, zLoss: 0.03, softcap: 3, temperature: 0.7, divisor: 3, upstream: 2 },
    ],
  ];
  test.each(optionCases)('%s', (_, inputs, options) => expectSlope(inputs, options));

  const objectiveCases: [string, objective.Objective][] = [
    ['focal', objective.focal()],
    ['poly1', objective.poly1()],
    ['generalized', objective.generalized()],
    ['compSum', objective.compSum({ tau: 1.3 })],
    ['meanAbsolute', objective.meanAbsolute],
    ['symmetric', objective.symmetric()],
    ['encouraging', objective.encouraging()],
  ];
  test.each(objectiveCases)('objective %s', (_, chosen) => {
    expectSlope(all, { objective: chosen });
    expectSlope(all, { objective: chosen, zLoss: 0.1, softcap: 2, reduction: 'none', upstream });
  });

  test('objective passAtN', () => expectSlope(ids, { objective: { passAtN: 4, segments } }));

  test('an objective written in JavaScript: fixed weights times the slope of log p', () => {
    const given = { loss: fill(rows, normal), weights: fill(rows, normal) };
    const total = (at: Float64Array): number => {
      const { logProb } = crossEntropy({ ...ids, logits: at });
      return logProb.reduce((sum, logP, i) => sum - (given.weights[i] as number) * logP, 0);
    };
    const found = crossEntropy(ids, { objective: given, reduction: 'sum' });
    expect(distance(found.gradient, gradient(total, logits))).toBeLessThan(1e-9);
    const sum = given.loss.reduce((a, b, i) => a + (targets[i] === -100 ? 0 : b), 0);
    expect(found.loss).toBeCloseTo(sum, 12);
  });

  test('detached focal: (1 - p)^gamma (p - [target]), not the slope of the loss', () => {
    const options: CrossEntropyOptions = {
      objective: objective.focal({ gamma: 2, detach: true }),
      reduction: 'sum',
    };
    const detached = crossEntropy(ids, options);
    const plain = crossEntropy(ids, { reduction: 'sum' });
    plain.gradient.forEach((value, i) => {
      const row = Math.floor(i / classes);
      const factor = (1 - Math.exp(plain.logProb[row] as number)) ** 2;
      expect(detached.gradient[i]).toBeCloseTo(value * factor, 13);
    });
    expect(distance(detached.gradient, gradient(objectiveOf(ids, options), logits))).toBeGreaterThan(0.01);
  });
});

describe('rows that do not count', () => {
  test('have no loss, no gradient, log p 0 and argmax -1, but their own lse and entropy', () => {
    const some = crossEntropy(ids);
    const every = crossEntropy({ ...ids, targets: targets.map((id) => Math.max(id, 0)) });
    expect(some.rows).toBe(5);
    expect([some.perItem[3], some.logProb[3], some.argmax[3]]).toEqual([0, 0, -1]);
    expect([...some.gradient.subarray(3 * classes, 4 * classes)]).toEqual(Array(classes).fill(0));
    expect([some.lse[3], some.entropy[3]]).toEqual([every.lse[3], every.entropy[3]]);
  });

  test('shift by two is slicing by hand', () => {
    const shifted = crossEntropy({ ...ids, targets: [0, 0, 2, 1, 4, 1] }, { shift: 2, time: 6 });
    const sliced = crossEntropy({ logits: logits.subarray(0, 4 * classes), classes, targets: [2, 1, 4, 1] });
    expect(shifted.loss).toBe(sliced.loss);
    expect([...shifted.gradient.subarray(0, 4 * classes)]).toEqual([...sliced.gradient]);
    expect([...shifted.gradient.subarray(4 * classes)]).toEqual(Array(2 * classes).fill(0));
  });
});

test.each([10, 20, 40])('at margin %d the target keeps the relative precision of 1 - p', (margin) => {
  const { gradient: found, perItem } = crossEntropy({ logits: [margin, 0, 0], classes: 3, targets: [0] });
  const odds = 2 * Math.exp(-margin);
  expect(Math.abs((found[0] as number) / (-odds / (1 + odds)) - 1)).toBeLessThan(1e-14);
  expect(Math.abs((perItem[0] as number) / Math.log1p(odds) - 1)).toBeLessThan(1e-14);
});

test('entropy is that of the softmax, log V where all logits are equal', () => {
  const { entropy, lse } = crossEntropy({ logits: fill(14, () => -3), classes: 7, targets: [below(7), 2] });
  expect(entropy[0]).toBeCloseTo(Math.log(7), 14);
  expect(lse[1]).toBeCloseTo(Math.log(7) - 3, 14);
});

interface Golden {
  name: string;
  inputs: CrossEntropyInputs;
  options: CrossEntropyOptions;
  loss: number;
  perItem?: number[];
  gradient: number[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/cross-entropy.json', import.meta.url), 'utf8')) as {
  torch: string;
  cases: Golden[];
};

describe(`agrees with PyTorch ${golden.torch} in float64`, () => {
  test.each(golden.cases.map((item) => [item.name, item] as const))('%s', (_, item) => {
    const found = crossEntropy(item.inputs, item.options);
    expect(distance([found.loss], [item.loss])).toBeLessThan(1e-13);
    if (item.perItem) expect(distance(found.perItem, item.perItem)).toBeLessThan(1e-13);
    expect(distance(found.gradient, item.gradient)).toBeLessThan(1e-13);
  });
});
