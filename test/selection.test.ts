// The part of a table that a backend runs is a promise about interactions; here it is kept.

import { expect, test } from 'vitest';
import { crossEntropyCases } from './conformance/cross-entropy.cases.js';
import { cutCrossEntropyCases } from './conformance/cut-cross-entropy.cases.js';
import { regionCases } from './conformance/regions.cases.js';
import { floatDTypes } from './support/dtypes.js';
import { runsOf } from './support/selection.js';

const tables: [string, readonly { name: string; options?: object }[], readonly string[]][] = [
  ['crossEntropy', crossEntropyCases, ['value', 'gradient', 'outputs', 'gradient and outputs']],
  ['cutCrossEntropy', cutCrossEntropyCases, ['value', 'gradients', 'outputs', 'logits computed again']],
  ['regions', regionCases, ['channelsLast', 'channelsFirst']],
];

test.each(tables)(
  'part of the cases of %s: every case, every option in every dtype and mode',
  (_, cases, modes) => {
    const options = (item: { options?: object }): string[] =>
      Object.entries(item.options ?? {}).map((entry) => JSON.stringify(entry));
    const met = new Set<string>();
    let count = 0;
    for (const { item, dtype, modes: chosen } of runsOf(cases, floatDTypes, modes, false)) {
      expect(chosen.length).toBeGreaterThan(0);
      for (const mode of chosen) {
        count++;
        for (const name of [item.name, dtype, ...options(item)])
          for (const other of ['run', dtype, mode]) met.add(`${name} with ${other}`);
      }
    }
    for (const item of cases) expect(met, 'every case').toContain(`${item.name} with run`);
    for (const name of [...floatDTypes, ...cases.flatMap(options)])
      for (const mode of modes) expect(met).toContain(`${name} with ${mode}`);
    for (const name of cases.flatMap(options))
      for (const dtype of floatDTypes) expect(met).toContain(`${name} with ${dtype}`);
    expect(count, 'it is a part').toBeLessThan(0.3 * cases.length * floatDTypes.length * modes.length);
  },
);

test.each(tables)('the whole table of %s, in its order', (_, cases, modes) => {
  const runs = runsOf(cases, floatDTypes, modes, true);
  expect(runs.map(({ item, dtype }) => [item.name, dtype])).toEqual(
    cases.flatMap((item) => floatDTypes.map((dtype) => [item.name, dtype])),
  );
  for (const run of runs) expect(run.modes).toEqual(modes);
});
