// The yardstick itself: a correctly rounded answer passes, one that is five half-ulps off anywhere does not.

import { expect, test } from 'vitest';
import { decode, encode, floatDTypes, halfUlp, roundTo } from '../support/dtypes.js';
import { random } from '../support/random.js';
import { expectRounded, expectScalar, judge } from './tolerance.js';

const { normal } = random(11);
const exact = Float64Array.from({ length: 1000 }, () => normal() * 10 ** (3 * normal()));

test.each(floatDTypes)('%s: a rounded answer passes with a quarter of what is allowed', (dtype) => {
  const rounded = decode(encode(exact, dtype), dtype);
  const { tensor, element } = judge(rounded, exact, dtype);
  expect(element).toBeLessThanOrEqual(0.25);
  expect(tensor).toBeLessThanOrEqual(0.25);
});

test.each(floatDTypes)(
  '%s: the smallest and the largest element may each be at most four half-ulps off',
  (dtype) => {
    const values = [2 ** -10, 3, 1000];
    for (let i = 0; i < 3; i++) {
      const off = (halfUlps: number): number[] =>
        values.map((value, k) => (k === i ? value + halfUlps * halfUlp(value, dtype) : value));
      expect(() => expectRounded('x', off(4), values, dtype)).not.toThrow();
      expect(() => expectRounded('x', off(5), values, dtype)).toThrow(/5\.00 half-ulps/);
    }
  },
);

test('infinities and NaN must be themselves, and a wrong length fails', () => {
  expect(() => expectRounded('x', [Infinity], [70000], 'float16')).not.toThrow();
  expect(() => expectRounded('x', [65504], [70000], 'float16')).toThrow();
  expect(() => expectRounded('x', [Infinity], [60000], 'float16')).toThrow();
  expect(() => expectRounded('x', [NaN], [1], 'float32')).toThrow();
  expect(() => expectRounded('x', [1], [NaN], 'float32')).toThrow();
  expect(() => expectRounded('x', [NaN], [NaN], 'float32')).not.toThrow();
  expect(() => expectRounded('x', [-Infinity], [Infinity], 'float32')).toThrow();
  expect(() => expectRounded('x', [1], [1, 2], 'float32')).toThrow(/1 elements instead of 2/);
});

test('an element may flush below the normal range of float32, and no element may above it', () => {
  expect(() => expectRounded('x', [0], [2 ** -127], 'float32')).not.toThrow();
  expect(() => expectRounded('x', [0], [2 ** -125], 'float32')).toThrow();
  expect(() => expectRounded('x', [0], [2 ** -20], 'float16')).toThrow();
});

test('a scalar is judged by the sizes of what it adds up', () => {
  expect(() => expectScalar('loss', 1e-7, 0, 1)).not.toThrow();
  expect(() => expectScalar('loss', 1e-6, 0, 1)).toThrow();
  expect(() => expectScalar('loss', NaN, 0, 1)).toThrow();
  expect(() => expectScalar('loss', Infinity, Infinity, Infinity)).not.toThrow();
});

test('rounding is to nearest even, once', () => {
  expect(roundTo(1 + 2 ** -9, 'bfloat16')).toBe(1);
  expect(roundTo(1 + 3 * 2 ** -8, 'bfloat16')).toBe(1 + 2 ** -6);
  expect(roundTo(1 + 2 ** -8 + 2 ** -40, 'bfloat16')).toBe(1 + 2 ** -7);
  expect(roundTo(2 ** -25, 'float16')).toBe(0);
  expect(roundTo(3 * 2 ** -25, 'float16')).toBe(2 ** -23);
  expect(roundTo(65520, 'float16')).toBe(Infinity);
  for (const value of exact) expect(roundTo(value, 'float32')).toBe(Math.fround(value));
});
