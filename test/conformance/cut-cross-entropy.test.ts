// cutCrossEntropy against the float64 reference: the cases of cut-cross-entropy.cases.ts in their dtypes and modes, on the
// backend this process was started for; which it runs, selection.ts says. The tolerance is that of tolerance.ts, with the noise of cut-noise.ts: logits
// are not given here, they are float32 sums.

import { cutCrossEntropySync, type RowOptions, type RowResult } from 'cutloss';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CrossEntropyOptions } from '../reference/cross-entropy.js';
import {
  type CutCrossEntropyInputs,
  type CutCrossEntropyResult,
  cutCrossEntropy,
} from '../reference/cut-cross-entropy.js';
import { objectives } from '../reference/objectives.js';
import { backend } from '../support/backends.js';
import { decode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { runsOf } from '../support/selection.js';
import {
  type CutCase,
  type CutInputs,
  cutCrossEntropyCases,
  makeCutInputs,
} from './cut-cross-entropy.cases.js';
import { type CutNoise, cutNoise } from './cut-noise.js';
import { expectRounded, expectScalar, K } from './tolerance.js';

type Options = RowOptions & Record<string, unknown>;
type Result = RowResult<'hidden' | 'classifier' | 'bias'>;
const everyOutput = ['logProb', 'lse', 'entropy', 'argmax'] as const;
const modes: Record<string, Options> = {
  value: {},
  gradients: { grads: true },
  outputs: { outputs: everyOutput },
  'gradients and outputs': { grads: true, outputs: everyOutput },
  'logits computed again': { grads: true, workspaceBytes: 1 },
  'some logits computed again': { grads: true, workspaceBytes: 2 ** 19 },
  'some logits computed again, bias frozen': { grads: ['hidden', 'classifier'], workspaceBytes: 2 ** 19 },
};

/** Where 16-bit numbers are multiplied as they are, the gradient by the logits is rounded to them first, as PyTorch's is. */
const multiplied: readonly FloatDType[] =
  backend.device !== 'cpu'
    ? ['bfloat16', 'float16']
    : ['avx512bf16', 'amx'].includes(backend.simd ?? '')
      ? ['bfloat16']
      : [];
const gradientDType = (dtype: FloatDType): FloatDType => (multiplied.includes(dtype) ? dtype : 'float32');

function publicInputs(inputs: CutInputs, dtype: FloatDType) {
  const { hidden, classifier, bias, leading, dim, classes, targets, weights, classWeights } = inputs;
  return {
    hidden: { data: hidden, shape: [...leading, dim], dtype },
    classifier: { data: classifier, shape: [classes, dim], dtype },
    targets: { data: targets as Int32Array, shape: leading },
    ...(bias && { bias: { data: bias, shape: [classes], dtype } }),
    ...(weights && { weights: { data: weights, shape: leading } }),
    ...(classWeights && { classWeights: { data: classWeights, shape: [classes] } }),
  };
}

function publicOptions(item: CutCase, { upstream, segments, leading }: CutInputs): Options {
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

/** pass@N is judged from the float32 log p of its first pass: see cross-entropy.test.ts. */
function logProbOf(item: CutCase, inputs: CutInputs, dtype: FloatDType): Float32Array | undefined {
  if (!item.passAtN) return undefined;
  const { passAtN, ...plain } = item;
  const options: Options = { ...publicOptions(plain, inputs), zLoss: 0, outputs: ['logProb'] };
  return cutCrossEntropySync(publicInputs(inputs, dtype), options).logProb?.dataSync();
}

interface Exact {
  inputs: CutInputs;
  exact: CutCrossEntropyResult;
  noise: CutNoise;
}

function makeExact(item: CutCase, dtype: FloatDType): Exact {
  const inputs = makeCutInputs(item, dtype);
  const { objective, ...rest } = item.options ?? {};
  const { kind, ...parameters } = (typeof objective === 'object' ? objective : { kind: 'crossEntropy' }) as {
    kind: keyof typeof objectives;
  };
  const options: CrossEntropyOptions = {
    ...(rest as CrossEntropyOptions),
    objective: item.passAtN
      ? {
          passAtN: item.passAtN.n,
          segments: inputs.segments as Int32Array,
          logProb: logProbOf(item, inputs, dtype) as Float32Array,
        }
      : (objectives[kind] as (options: object) => never)(parameters),
    time: inputs.leading.at(-1) ?? 1,
    upstream: inputs.upstream ?? (item.upstream as number | undefined) ?? 1,
  };
  const { dim, classes, weights, classWeights } = inputs;
  const numbers: CutCrossEntropyInputs = {
    hidden: decode(inputs.hidden, dtype),
    classifier: decode(inputs.classifier, dtype),
    ...(inputs.bias && { bias: decode(inputs.bias, dtype) }),
    dim,
    classes,
    targets: Array.from(inputs.targets as Int32Array, Number),
    ...(weights && { weights }),
    ...(classWeights && { classWeights }),
  };
  const exact = cutCrossEntropy(numbers, options);
  return {
    inputs,
    exact,
    noise: cutNoise(numbers, { ...options, gradientDType: gradientDType(dtype) }, exact),
  };
}

/** A class whose logit is the largest, or within what rounding leaves open. */
function expectArgmax(found: Int32Array, { exact, noise, inputs: { classes } }: Exact): void {
  found.forEach((id, row) => {
    const best = exact.argmax[row] as number;
    if (id === best) return;
    expect(best, `row ${row} counts`).toBeGreaterThanOrEqual(0);
    const at = (j: number): number => row * classes + j;
    const gap = (exact.logits[at(best)] as number) - (exact.logits[at(id)] as number);
    const open = K * Math.hypot(noise.logits[at(best)] as number, noise.logits[at(id)] as number);
    expect(gap, `row ${row}: class ${id} instead of ${best}`).toBeLessThanOrEqual(open);
  });
}

function check(found: Result, made: Exact, dtype: FloatDType, item: CutCase): void {
  const { exact, noise, inputs } = made;
  const { leading, dim, classes } = inputs;
  expect(found.rows, 'rows').toBe(exact.rows);
  expectScalar('loss', found.loss, exact.loss, exact.lossMagnitude, noise.loss);
  expect(found.perItem !== undefined, 'perItem is there').toBe(item.options?.reduction === 'none');
  for (const name of ['perItem', 'logProb', 'lse', 'entropy'] as const) {
    const tensor = found[name];
    if (!tensor) continue;
    expect([tensor.dtype, tensor.shape], name).toEqual(['float32', leading]);
    const scale = name === 'perItem' ? exact.perItemMagnitude : undefined;
    expectRounded(name, tensor.dataSync(), exact[name], 'float32', scale, noise[name]);
  }
  if (found.argmax) expectArgmax(found.argmax.dataSync(), made);
  const gradients = {
    hidden: [[...leading, dim], exact.hiddenGradient, noise.hidden],
    classifier: [[classes, dim], exact.classifierGradient, noise.classifier],
    bias: [[classes], exact.biasGradient, noise.bias],
  } as const;
  for (const name of ['hidden', 'classifier', 'bias'] as const) {
    const gradient = found.grads[name];
    if (!gradient) continue;
    const [shape, values, moved] = gradients[name];
    expect([gradient.dtype, gradient.shape]).toEqual([dtype, shape]);
    const got = decode(gradient.dataSync() as Float32Array, dtype);
    expectRounded(`gradient of ${name}`, got, values, dtype, values, moved);
  }
}

describe(`cutCrossEntropy on ${backend.name}`, () => {
  beforeAll(expectBackend);
  afterAll(expectBackend);
  const runs = runsOf(cutCrossEntropyCases, floatDTypes, Object.keys(modes));
  describe.each(runs)('$item.name, $dtype', ({ item, dtype, modes: chosen }) => {
    let made: Exact;
    beforeAll(() => {
      made = makeExact(item, dtype);
    });
    test.each(chosen)('%s', (mode) => {
      const asked = modes[mode] as Options;
      const found = cutCrossEntropySync(publicInputs(made.inputs, dtype), {
        ...publicOptions(item, made.inputs),
        ...asked,
      });
      const wants = (name: string): boolean =>
        Array.isArray(asked.grads) ? asked.grads.includes(name) : asked.grads === true;
      expect(found.grads.hidden !== undefined, 'the gradient of hidden is there').toBe(wants('hidden'));
      expect(found.grads.classifier !== undefined).toBe(wants('classifier'));
      expect(found.grads.bias !== undefined).toBe(wants('bias') && item.bias !== undefined);
      for (const name of everyOutput) {
        expect(found[name] !== undefined, `${name} is there`).toBe(asked.outputs?.includes(name) ?? false);
      }
      check(found, made, dtype, item);
    });
  });
});
