// Each objective's weight against the slope of its value: w = -dvalue/dlog p. Focal with `detach` differs from that
// slope by design and is checked against its formula instead.

import { describe, expect, test } from 'vitest';
import { slope } from './finite-differences.js';
import * as reference from './objectives.js';

const at = (logP: number): reference.TargetProbability => ({ p: Math.exp(logP), q: -Math.expm1(logP), logP });
const logProbs = [-30, -8, -3, -1.1, -0.7, -0.4, -0.2, -0.05, -0.01];

const cases: Record<keyof typeof reference.objectives, [string, reference.Objective][]> = {
  crossEntropy: [['', reference.crossEntropyObjective]],
  focal: [0, 0.5, 1, 2, 5].map((gamma) => [`gamma ${gamma}`, reference.focal({ gamma })]),
  poly1: [-1, 0, 1, 2].map((epsilon) => [`epsilon ${epsilon}`, reference.poly1({ epsilon })]),
  generalized: [0.01, 0.7, 1, 2].map((q) => [`q ${q}`, reference.generalized({ q })]),
  compSum: [0, 0.5, 1, 1.5, 2].map((tau) => [`tau ${tau}`, reference.compSum({ tau })]),
  meanAbsolute: [['', reference.meanAbsolute]],
  symmetric: [{}, { alpha: 6, beta: 0.1 }, { alpha: 0, beta: 1 }].map((options) => [
    JSON.stringify(options),
    reference.symmetric(options),
  ]),
  encouraging: [0.25, 0.75, 1].map((end) => [`end ${end}`, reference.encouraging({ end })]),
};

for (const [name, list] of Object.entries(cases)) {
  describe(`the weight of ${name} is the slope of its value`, () => {
    test.each(list)('%s', (_, objective) => {
      for (const logP of logProbs) {
        const step = Math.min(1e-3, -logP / 200); // small beside the distance to log p = 0, where some values are singular
        const { weight } = objective(at(logP));
        const expected = -slope((x) => objective(at(x)).value, logP, step);
        expect(Math.abs(weight - expected), `at log p = ${logP}`).toBeLessThan(
          1e-7 * Math.max(1, Math.abs(weight)),
        );
      }
    });
  });
}

test('generalized is flat where it is truncated and itself elsewhere', () => {
  const truncated = reference.generalized({ q: 0.7, truncateAt: 0.5 });
  expect(truncated(at(Math.log(0.2)))).toEqual({ value: (1 - 0.5 ** 0.7) / 0.7, weight: 0 });
  expect(truncated(at(Math.log(0.6)))).toEqual(reference.generalized({ q: 0.7 })(at(Math.log(0.6))));
});

test('detached focal keeps the value and has the weight (1 - p)^gamma', () => {
  for (const logP of logProbs) {
    const detached = reference.focal({ gamma: 2, detach: true })(at(logP));
    expect(detached.value).toBe(reference.focal({ gamma: 2 })(at(logP)).value);
    expect(detached.weight).toBeCloseTo((1 - Math.exp(logP)) ** 2, 14);
  }
});

test('the relations between objectives hold', () => {
  for (const logP of logProbs) {
    const target = at(logP);
    const plain = reference.crossEntropyObjective(target);
    expect(reference.focal({ gamma: 0 })(target)).toEqual(plain);
    expect(reference.poly1({ epsilon: 0 })(target)).toEqual(plain);
    expect(reference.compSum({ tau: 1 })(target)).toEqual(plain);
    expect(reference.compSum({ tau: 2 })(target).value).toBeCloseTo(reference.meanAbsolute(target).value, 14);
    expect(reference.compSum({ tau: 1.7 })(target).value).toBeCloseTo(
      reference.generalized({ q: 0.7 })(target).value,
      14,
    );
  }
});

describe('passAtN', () => {
  const segments = [4, 4, 9, 4, 9];
  const logs = [-0.3, -0.9, -0.2, -1.4, -2.5];
  const targets = logs.map(at);

  test.each([1, 2, 8, 64])('n = %d: its weight is the slope of the total along each row', (n) => {
    const terms = reference.passAtN(targets, segments, n);
    logs.forEach((logP, row) => {
      const total = (x: number): number =>
        reference
          .passAtN(targets.with(row, at(x)), segments, n)
          .reduce((sum, term) => sum + (term?.value ?? 0), 0);
      expect(terms[row]?.weight).toBeCloseTo(-slope(total, logP), 9);
    });
  });

  test('a segment adds up to -log(1 - (1 - P)^n), spread evenly, and rows that do not count take no part', () => {
    const terms = reference.passAtN(targets.with(3, undefined as never), segments, 8);
    const expected = -Math.log(1 - (1 - Math.exp(-1.2)) ** 8);
    expect(terms[3]).toBeUndefined();
    expect(terms[0]?.value).toBeCloseTo(expected / 2, 13);
    expect(terms[1]?.value).toBe(terms[0]?.value);
  });

  test.each([1, 8, 64])(
    'n = %d keeps its precision as P -> 0: the value tends to -log n - log P, the weight to 1',
    (n) => {
      const [term] = reference.passAtN([at(-60)], [0], n);
      expect(Math.abs((term?.value ?? 0) / (60 - Math.log(n)) - 1)).toBeLessThan(1e-15);
      expect(Math.abs((term?.weight ?? 0) - 1)).toBeLessThan(1e-14);
    },
  );

  test('n = 1 is cross-entropy of the whole segment', () => {
    const terms = reference.passAtN(targets, segments, 1);
    expect((terms[2]?.value ?? 0) + (terms[4]?.value ?? 0)).toBeCloseTo(2.7, 12);
    expect(terms[2]?.weight).toBeCloseTo(1, 12);
  });
});
