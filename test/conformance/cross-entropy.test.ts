// crossEntropy against the float64 reference: the cases of cross-entropy.cases.ts in their dtypes and modes, on the backend
// this process was started for (test/support/backends.ts); which it runs, selection.ts says. The tolerance is that of tolerance.ts.

import { crossEntropySync, type RowOptions, type RowResult } from 'cutloss';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CrossEntropyOptions,
  type CrossEntropyResult,
  crossEntropy,
} from '../reference/cross-entropy.js';
import { objectives } from '../reference/objectives.js';
import { backend } from '../support/backends.js';
import { decode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { runsOf } from '../support/selection.js';
import { makeInputs, type RowCase, type RowInputs } from './cases.js';
import { crossEntropyCases } from './cross-entropy.cases.js';
import { expectRounded, expectScalar } from './tolerance.js';

type Options = RowOptions & Record<string, unknown>;
const everyOutput = ['logProb', 'lse', 'entropy', 'argmax'] as const;

/** What is asked for; a distribution has no log p of its target. */
const outputsOf = (item: RowCase): readonly (typeof everyOutput)[number][] =>
  everyOutput.filter((name) => name !== 'logProb' || item.targets !== 'probabilities');
const modes = {
  value: () => ({}),
  gradient: () => ({ grads: true }),
  outputs: (item: RowCase) => ({ outputs: outputsOf(item) }),
  'gradient and outputs': (item: RowCase) => ({ grads: ['logits'], outputs: outputsOf(item) }),
} as const;

function publicInputs(inputs: RowInputs, dtype: FloatDType) {
  const { storage, leading, classes, targets, probabilities, weights, classWeights } = inputs;
  const shape = [...leading, classes];
  return {
    logits: { data: storage, shape, dtype },
    targets: probabilities
      ? { data: probabilities.storage, shape, dtype }
      : { data: targets as Int32Array, shape: leading },
    ...(weights && { weights: { data: weights, shape: leading } }),
    ...(classWeights && { classWeights: { data: classWeights, shape: [classes] } }),
  };
}

function publicOptions(item: RowCase, inputs: RowInputs): Options {
  const { upstream, segments, leading } = inputs;
  const scale = upstream ? { data: upstream, shape: leading } : item.upstream;
  return {
    device: backend.device,
    ...item.options,
    ...(scale !== undefined && { upstream: scale }),
    ...(item.passAtN && {
      objective: { kind: 'passAtN', n: item.passAtN.n, segments: { data: segments, shape: leading } },
    }),
  } as Options;
}

/**
 * pass@N is judged from the float32 log p of its first pass, which the public output shows: the powers in
 * P (1 - P)^(N - 1) magnify the rounding of log p (ten half-ulps at N = 64), whoever computes them. That this log p
 * is itself right, the outputs are judged for.
 */
function logProbOf(item: RowCase, inputs: RowInputs, dtype: FloatDType): Float32Array | undefined {
  if (!item.passAtN) return undefined;
  const options: Options = {
    ...publicOptions({ ...item, passAtN: undefined } as never, inputs),
    zLoss: 0,
    outputs: ['logProb'],
  };
  return crossEntropySync(publicInputs(inputs, dtype), options).logProb?.dataSync();
}

function reference(item: RowCase, inputs: RowInputs, dtype: FloatDType): CrossEntropyResult {
  const { logits, classes, targets, probabilities, weights, classWeights, leading, upstream, segments } =
    inputs;
  const { objective, ...options } = item.options ?? {};
  const { kind, ...parameters } = (typeof objective === 'object' ? objective : { kind: 'crossEntropy' }) as {
    kind: keyof typeof objectives;
  };
  const chosen: CrossEntropyOptions['objective'] = item.passAtN
    ? {
        passAtN: item.passAtN.n,
        segments: segments as Int32Array,
        logProb: logProbOf(item, inputs, dtype) as Float32Array,
      }
    : (objectives[kind] as (options: object) => never)(parameters);
  return crossEntropy(
    {
      logits,
      classes,
      ...(probabilities
        ? { probabilities: probabilities.values }
        : { targets: Array.from(targets as Int32Array, Number) }),
      ...(weights && { weights }),
      ...(classWeights && { classWeights }),
    },
    {
      ...(options as CrossEntropyOptions),
      objective: chosen,
      time: leading.at(-1) ?? 1,
      upstream: upstream ?? (item.upstream as number | undefined) ?? 1,
    },
  );
}

function check(
  found: RowResult<'logits'>,
  exact: CrossEntropyResult,
  dtype: FloatDType,
  inputs: RowInputs,
  item: RowCase,
): void {
  const { leading, classes } = inputs;
  const floats = (name: 'perItem' | 'logProb' | 'lse' | 'entropy'): void => {
    const tensor = found[name];
    if (!tensor) return;
    expect(tensor.shape, `shape of ${name}`).toEqual(leading);
    expect(tensor.dtype).toBe('float32');
    expectRounded(name, tensor.dataSync(), exact[name], 'float32');
  };
  expect(found.rows, 'rows').toBe(exact.rows);
  expectScalar('loss', found.loss, exact.loss, exact.lossMagnitude);
  expect(found.perItem !== undefined, 'perItem is there').toBe(item.options?.reduction === 'none');
  for (const name of ['perItem', 'logProb', 'lse', 'entropy'] as const) floats(name);
  if (found.argmax) {
    expect([found.argmax.dtype, found.argmax.shape]).toEqual(['int32', leading]);
    expect(Array.from(found.argmax.dataSync())).toEqual(Array.from(exact.argmax));
  }
  if (found.grads.logits) {
    const gradient = found.grads.logits;
    expect([gradient.dtype, gradient.shape]).toEqual([dtype, [...leading, classes]]);
    expectRounded('gradient', decode(gradient.dataSync() as Float32Array, dtype), exact.gradient, dtype);
  }
}

describe(`crossEntropy on ${backend.name}`, () => {
  beforeAll(expectBackend);
  afterAll(expectBackend);
  const runs = runsOf(crossEntropyCases, floatDTypes, Object.keys(modes) as (keyof typeof modes)[]);
  describe.each(runs)('$item.name, $dtype', ({ item, dtype, modes: chosen }) => {
    let made: { inputs: RowInputs; exact: CrossEntropyResult };
    beforeAll(() => {
      const inputs = makeInputs(item, dtype);
      made = { inputs, exact: reference(item, inputs, dtype) };
    });
    test.each(chosen)('%s', (mode) => {
      const { inputs, exact } = made;
      const asked: Options = modes[mode](item) as Options;
      const found = crossEntropySync(publicInputs(inputs, dtype), {
        ...publicOptions(item, inputs),
        ...asked,
      });
      expect(found.grads.logits !== undefined, 'a gradient is there').toBe(asked.grads !== undefined);
      for (const name of everyOutput) {
        expect(found[name] !== undefined, `${name} is there`).toBe(asked.outputs?.includes(name) ?? false);
      }
      check(found, exact, dtype, inputs, item);
    });
  });
});
