// Cases of topology as data: what fields are made of, which options they go through. The suite crosses both with sizes
// drawn at random, so that every kind of tie meets every option.

import type { Random } from '../support/random.js';

/** Small fields, many of whose values are equal. */
export const fills: Readonly<Record<string, (source: Random) => () => number>> = {
  noise:
    ({ uniform }) =>
    () =>
      uniform(),
  signed:
    ({ normal }) =>
    () =>
      3 * normal(),
  'two values':
    ({ below }) =>
    () =>
      below(2),
  'three values':
    ({ below }) =>
    () =>
      below(3) / 2,
  'nine values':
    ({ below }) =>
    () =>
      below(9) / 8,
  'mostly empty':
    ({ below }) =>
    () =>
      Number(below(6) === 0),
  infinite:
    ({ pick, uniform }) =>
    () =>
      pick([-Infinity, Infinity, uniform(), 0, -0]),
  constant: ({ uniform }) => {
    const value = uniform();
    return () => value;
  },
};

export type TopologyCase = Readonly<Record<string, unknown>>;

/** Options of bettiMatching; persistence takes those it knows. */
export const topologyCases: readonly TopologyCase[] = [
  {},
  { filtration: 'sublevel' },
  { border: 'closed' },
  { filtration: 'sublevel', border: 'closed' },
  { dimensions: [0] },
  { dimensions: [1] },
  { dimensions: [1, 0], border: 'closed' },
  { unmatched: { prediction: 'oneZero' } },
  { unmatched: { prediction: 'oneZero' }, filtration: 'sublevel' },
  { unmatched: { prediction: 'ignore' } },
  { unmatched: { target: 'ignore' } },
  { minPersistence: 0.25 },
  { activation: 'sigmoid' },
  { activation: 'sigmoid', border: 'closed', filtration: 'sublevel' },
];

/** [height, width] to 12 by 12, or [depth, height, width] to 5 by 5 by 5; lengths of one are as likely as others. */
export function drawShape({ below }: Random, axes: number): number[] {
  return Array.from({ length: axes }, () => 1 + below(axes === 2 ? 12 : 5));
}
