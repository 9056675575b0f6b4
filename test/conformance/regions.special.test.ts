// What a table of cases cannot say about the losses of regions: a test for every rule about empty, ignored and poisoned
// regions, moments that merge, memory that is given. Runs on every backend, like the table.

import {
  anyLossSync,
  CutlossError,
  dice,
  diceSync,
  generalizedDiceSync,
  jaccardSync,
  type RegionInputs,
  type RegionOptions,
  regionLossSync,
  regionMomentsSync,
  selfAdjustingDiceSync,
  type Tensor,
  tverskySync,
} from 'cutloss';
import { beforeAll, describe, expect, test } from 'vitest';
import { backend } from '../support/backends.js';
import { decode, encode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { random } from '../support/random.js';

const device = backend.device;
const [batch, height, width, classes] = [3, 5, 7, 4] as const;
const pixels = batch * height * width;
const shape = [batch, height, width, classes];
const source = random(11);
const logits = Float32Array.from({ length: pixels * classes }, () => 2 * source.normal());
const ids = Int32Array.from({ length: pixels }, () => source.below(classes));
const everyLoss = { diceSync, jaccardSync, tverskySync, generalizedDiceSync, anyLossSync };

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
type Wrong = any;
type Options = RegionOptions & Record<string, unknown>;
const inputsOf = (
  data: Float32Array | Uint16Array,
  targets: Int32Array,
  dtype: FloatDType = 'float32',
): RegionInputs => ({
  predictions: { data, shape, dtype },
  targets: { data: targets, shape: shape.slice(0, -1) },
});
const run = (inputs: RegionInputs, options: Options = {}) =>
  diceSync(inputs, { device, ...options } as RegionOptions);
const values = (tensor: Tensor | undefined): number[] =>
  Array.from((tensor as Tensor).dataSync() as Float32Array);

beforeAll(expectBackend);

test('a class id outside [0, classes) that is not ignoreIndex is named with its pixel, and nothing is written', () => {
  for (const [pixel, value] of [
    [0, classes],
    [17, -1],
    [pixels - 1, 2 ** 31 - 1],
    [40, -(2 ** 31)],
  ] as const) {
    const memory = new Float32Array(logits.length).fill(3);
    const out = { predictions: { data: memory, shape } };
    const bad = inputsOf(logits, ids.with(pixel, value));
    const call = () => run(bad, { grads: true, out });
    expect(call).toThrow(CutlossError);
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_CUTLOSS_TARGET', details: { row: pixel, value } }),
    );
    const moments = regionMomentsSync(inputsOf(logits, ids), { device });
    const given = () => regionLossSync('dice', moments, bad, { device, grads: true, out });
    expect(given).toThrow(expect.objectContaining({ code: 'ERR_CUTLOSS_TARGET' }));
    expect(memory.every((x) => x === 3)).toBe(true);
    expect(run(bad, { ignoreIndex: value }).loss).toBeGreaterThan(0);
  }
});

describe("a region with an empty target: 'count' keeps it, 'zero' makes its loss 0, 'drop' leaves it out", () => {
  const onlyZero = inputsOf(logits, new Int32Array(pixels));
  const perItem = () => values(run(onlyZero, { reduction: 'none' }).perItem);
  const present = () => perItem().filter((_, i) => i % classes === 0);
  const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

  test('count', () => {
    const { loss, regions } = run(onlyZero, { absent: 'count' });
    expect(regions).toBe(batch * classes);
    expect(loss).toBeCloseTo(mean(perItem()), 6);
  });
  test('zero', () => {
    const { loss, regions } = run(onlyZero, { absent: 'zero' });
    expect(regions).toBe(batch * classes);
    expect(loss).toBeCloseTo(mean(present()) / classes, 6);
  });
  test('drop', () => {
    const { loss, regions } = run(onlyZero, { absent: 'drop' });
    expect(regions).toBe(batch);
    expect(loss).toBeCloseTo(mean(present()), 6);
  });
  test('drop, where nothing is left: 0', () => {
    const labels = { data: new Uint8Array(pixels * classes), shape };
    const { loss, regions, grads } = run({ ...onlyZero, targets: labels }, { absent: 'drop', grads: true });
    expect([loss, regions]).toEqual([0, 0]);
    expect(values(grads.predictions).every((x) => x === 0)).toBe(true);
  });
});

test.each(Object.entries(everyLoss))('%s: everything ignored gives loss 0 and gradient 0', (_, loss) => {
  const smooths = [1e-5, 0, { numerator: 0, denominator: 1 }];
  for (const smooth of smooths)
    for (const inputs of [
      { inputs: inputsOf(logits, new Int32Array(pixels).fill(255)), options: { ignoreIndex: 255 } },
      {
        inputs: {
          ...inputsOf(logits, ids),
          mask: { data: new Uint8Array(pixels), shape: shape.slice(0, -1) },
        },
        options: {},
      },
    ]) {
      const options = { device, smooth, grads: true, crossEntropy: 1, ...inputs.options } as const;
      const { loss: value, grads } = loss(inputs.inputs, options);
      expect(value).toBe(0);
      expect(values(grads.predictions).every((x) => x === 0)).toBe(true);
    }
});

test.each(Object.entries(everyLoss))('%s: a batch of zero gives loss 0 and an empty gradient', (_, loss) => {
  const none = {
    predictions: { data: new Float32Array(0), shape: [0, height, width, classes] },
    targets: { data: new Int32Array(0), shape: [0, height, width] },
  };
  for (const over of ['imageClass', 'class', 'image', 'all'] as const) {
    const found = loss(none, { device, grads: true, over, crossEntropy: 1, reduction: 'none' });
    expect(found.loss).toBe(0);
    expect(found.grads.predictions?.shape).toEqual([0, height, width, classes]);
  }
});

test('smooth 0 with a class that is neither there nor predicted: loss 0, gradient 0, no NaN', () => {
  for (const loss of [diceSync, jaccardSync, tverskySync]) {
    const predictions = { data: Float32Array.of(1, 0, 1, 0), shape: [1, 2, 2] };
    const targets = { data: Int32Array.of(0, 0), shape: [1, 2] };
    const options = { device, smooth: 0, activation: 'none', reduction: 'none', grads: true } as const;
    const { perItem, grads } = loss({ predictions, targets }, options);
    expect(values(perItem)).toEqual([0, 0]);
    expect(values(grads.predictions).some(Number.isNaN)).toBe(false);
    expect([1, 3].every((i) => values(grads.predictions)[i] === 0)).toBe(true);
  }
});

test('one half of smooth leaves the other as the loss has it: 1e-5, of anyLoss 0', () => {
  for (const [loss, other] of [
    [diceSync, 1e-5],
    [anyLossSync, 0],
  ] as const) {
    const lossOf = (smooth: NonNullable<RegionOptions['smooth']>): number =>
      loss(inputsOf(logits, ids), { device, smooth }).loss;
    expect(lossOf({ numerator: 30 } as Wrong)).toBe(lossOf({ numerator: 30, denominator: other }));
    expect(lossOf({ denominator: 30 } as Wrong)).toBe(lossOf({ numerator: other, denominator: 30 }));
  }
});

describe.each(floatDTypes)('%s', (dtype) => {
  const storage = encode(logits, dtype);
  const got = (tensor: Tensor | undefined) => decode((tensor as Tensor).dataSync() as Float32Array, dtype);

  test.each(['softmax', 'sigmoid', 'none'] as const)(
    'a NaN reaches its own regions and no others (%s)',
    (activation) => {
      const sick = storage.slice();
      const at = 50 * classes + 2; // a pixel of image 1, class 2
      sick[at] = encode([NaN], dtype)[0] as number;
      const options = { activation, reduction: 'none', grads: true } as const;
      const healthy = run(inputsOf(storage, ids, dtype), options);
      const found = run(inputsOf(sick, ids, dtype), options);
      const own = (region: number): boolean =>
        Math.floor(region / classes) === 1 && (activation === 'softmax' || region % classes === 2);
      const [a, b] = [values(healthy.perItem), values(found.perItem)];
      for (let region = 0; region < a.length; region++) {
        if (own(region)) expect(b[region]).toBeNaN();
        else expect(b[region]).toBe(a[region]);
      }
      expect(found.loss).toBeNaN();
      const [g, h] = [got(healthy.grads.predictions), got(found.grads.predictions)];
      for (let i = 0; i < g.length; i++) {
        const region = Math.floor(i / classes / height / width) * classes + (i % classes);
        if (own(region)) expect(h[i]).toBeNaN();
        else expect(h[i]).toBe(g[i]);
      }
    },
  );

  test.each(['softmax', 'sigmoid', 'none'] as const)(
    'a NaN or infinity where the mask is 0 reaches nothing (%s)',
    (activation) => {
      for (const poison of [NaN, Infinity, -Infinity]) {
        const sick = storage.slice();
        sick[50 * classes + 2] = encode([poison], dtype)[0] as number;
        const mask = { data: new Float32Array(pixels).fill(1).fill(0, 50, 51), shape: shape.slice(0, -1) };
        const terms = activation === 'none' ? {} : { crossEntropy: 1, focal: { weight: 1 } };
        const options = { activation, grads: true, ...terms } as const;
        const healthy = run({ ...inputsOf(storage, ids, dtype), mask }, options);
        const found = run({ ...inputsOf(sick, ids, dtype), mask }, options);
        expect(found.loss).toBeCloseTo(healthy.loss, 5);
        const gradient = got(found.grads.predictions);
        expect(gradient.some(Number.isNaN)).toBe(false);
        expect(gradient.subarray(50 * classes, 51 * classes).every((x) => x === 0)).toBe(true);
      }
    },
  );

  test('a region that is NaN leaves pixels that weigh nothing at exactly 0', () => {
    const sick = storage.slice();
    sick[50 * classes] = encode([NaN], dtype)[0] as number;
    const mask = { data: new Float32Array(pixels).fill(1).fill(0, 51, 52), shape: shape.slice(0, -1) };
    const { grads } = run({ ...inputsOf(sick, ids, dtype), mask }, { grads: true });
    expect(
      got(grads.predictions)
        .subarray(51 * classes, 52 * classes)
        .every((x) => x === 0),
    ).toBe(true);
  });

  test('the gradient may take the place of the predictions', () => {
    const memory = storage.slice();
    const place = { data: memory, shape, dtype };
    const expected = run(inputsOf(storage, ids, dtype), { grads: true, crossEntropy: 1 });
    const inPlace = run(inputsOf(memory, ids, dtype), {
      grads: true,
      crossEntropy: 1,
      out: { predictions: place },
    });
    expect(inPlace.loss).toBe(expected.loss);
    expect(Array.from(memory)).toEqual(Array.from(expected.grads.predictions?.dataSync() as Float32Array));
  });
});

test('mask multiplies predictions and targets, never logits: pixels of weight 2 count twice', () => {
  const twice = (data: Float32Array) => Float32Array.from([...data, ...data]);
  const one = {
    predictions: { data: logits.slice(0, 8), shape: [1, 2, 4] },
    targets: { data: ids.slice(0, 2), shape: [1, 2] },
  };
  const two = {
    predictions: { data: twice(logits.slice(0, 8)), shape: [1, 4, 4] },
    targets: { data: Int32Array.from([...ids.slice(0, 2), ...ids.slice(0, 2)]), shape: [1, 4] },
  };
  const mask = { data: Float32Array.of(2, 2), shape: [1, 2] };
  expect(diceSync({ ...one, mask }, { device }).loss).toBeCloseTo(diceSync(two, { device }).loss, 6);
});

test.each([1e-24, 1e-12, 1e25])(
  'an upstream of %f is a factor of the gradient, also far from logits of 0',
  (upstream) => {
    for (const layout of ['channelsLast', 'channelsFirst'] as const) {
      const far = Float32Array.from({ length: 160 * 4 }, (_, i) => 39 + Math.sin(7.7 * i));
      const predictions = { data: far, shape: layout === 'channelsLast' ? [1, 160, 4] : [1, 4, 160] };
      const targets = { data: Int32Array.from({ length: 160 }, (_, i) => i % 4), shape: [1, 160] };
      const gradient = (by: number) =>
        values(
          diceSync({ predictions, targets }, { device, layout, upstream: by, grads: true }).grads.predictions,
        );
      const exact = gradient(1);
      const largest = Math.max(...exact.map(Math.abs));
      gradient(upstream).forEach((x, i) => {
        expect(Math.abs(x / upstream - (exact[i] as number))).toBeLessThan(1e-6 * largest);
      });
    }
  },
);

test.each(['channelsFirst', 'channelsLast'] as const)(
  'cross-entropy of a sigmoid on the wrong side is the logit itself, up to the largest floats, %s',
  (layout) => {
    const one = {
      predictions: { data: Float32Array.of(-3e38), shape: [1, 1, 1, 1] },
      targets: { data: Int32Array.of(0), shape: [1, 1, 1] },
    };
    const { loss } = run(one, { layout, activation: 'sigmoid', crossEntropy: 1 });
    expect(Math.abs(loss / 3e38 - 1)).toBeLessThan(1e-6);
  },
);

test('soft labels need not sum to one', () => {
  const data = new Float32Array(pixels * classes).fill(0.75);
  const inputs = { predictions: { data: logits, shape }, targets: { data, shape } };
  const { names, values: sums } = regionMomentsSync(inputs, { device });
  for (let row = 0; row < batch * classes; row++) {
    const column = (name: string) => sums[row * names.length + names.indexOf(name)] as number;
    expect(column('targets')).toBe(0.75 * height * width);
    expect(column('intersection')).toBeCloseTo(0.75 * column('predictions'), 5);
  }
});

test.each([0.5, 1, 2])(
  'a prediction beyond 1 has no slope where selfAdjustingDice is flat (alpha %f)',
  (alpha) => {
    const predictions = { data: Float32Array.of(1.5, 0.25, 0.125, 2), shape: [1, 2, 2] };
    const targets = { data: Int32Array.of(0, 1), shape: [1, 2] };
    const options = { device, activation: 'none', alpha, grads: true } as const;
    const gradient = values(selfAdjustingDiceSync({ predictions, targets }, options).grads.predictions);
    expect(gradient.map((x) => x === 0)).toEqual([true, false, false, true]);
  },
);

describe('moments', () => {
  const half = (image: number) => ({
    predictions: {
      data: logits.slice(image * height * width * classes, (image + 1) * height * width * classes),
      shape: [1, height, width, classes],
    },
    targets: {
      data: ids.slice(image * height * width, (image + 1) * height * width),
      shape: [1, height, width],
    },
  });
  const cases = [
    ['dice', 'class', diceSync],
    ['jaccard', 'all', jaccardSync],
    ['tversky', 'class', tverskySync],
    ['generalizedDice', 'all', generalizedDiceSync],
  ] as const;

  test.each(cases)('of parts add up to those of the whole: %s over %s', (kind, over, loss) => {
    const options = { device, over, squared: true, crossEntropy: 0.5, focal: { weight: 1 } } as const;
    const momentsOver = kind === 'generalizedDice' ? 'class' : over;
    const parts = [0, 1, 2].map((image) => regionMomentsSync(half(image), { ...options, over: momentsOver }));
    const merged = {
      names: (parts[0] as { names: readonly string[] }).names,
      values: (parts[0] as { values: Float64Array }).values.map((_, i) =>
        parts.reduce((sum, part) => sum + (part.values[i] as number), 0),
      ),
    };
    const whole = loss(inputsOf(logits, ids), { ...options, grads: true });
    const gradient: number[] = [];
    for (const image of [0, 1, 2]) {
      const part = regionLossSync(kind, merged, half(image), { ...options, grads: true });
      expect(part.loss).toBeCloseTo(whole.loss, 6);
      gradient.push(...values(part.grads.predictions));
    }
    const exact = values(whole.grads.predictions);
    const largest = Math.max(...exact.map(Math.abs));
    for (let i = 0; i < exact.length; i++)
      expect(Math.abs((gradient[i] as number) - (exact[i] as number))).toBeLessThan(1e-6 * largest);
  });

  test('are an output of every loss, and name their columns', () => {
    const { moments } = run(inputsOf(logits, ids), { outputs: ['moments'] });
    const { names, values: sums } = moments as NonNullable<typeof moments>;
    expect(names.slice(0, 3)).toEqual(['intersection', 'predictions', 'targets']);
    expect(sums).toHaveLength(batch * classes * names.length);
    const targets = names.indexOf('targets');
    expect(sums[targets]).toBe(ids.slice(0, height * width).filter((id) => id === 0).length);
    const alone = regionMomentsSync(inputsOf(logits, ids), { device });
    expect(alone.values).toEqual(sums);
  });

  test('of other regions are refused', () => {
    const moments = regionMomentsSync(inputsOf(logits, ids), { device, over: 'class' });
    expect(() => regionLossSync('dice', moments, inputsOf(logits, ids), { device })).toThrow(
      /moments\.values/,
    );
  });
});

test('the awaited form gives the same bits, an abort rejects and leaves out as it was', async () => {
  const expected = run(inputsOf(logits, ids), { grads: true });
  const found = await dice(inputsOf(logits, ids), { device, grads: true });
  expect(found.loss).toBe(expected.loss);
  expect(values(found.grads.predictions)).toEqual(values(expected.grads.predictions));
  const data = new Float32Array(logits.length).fill(5);
  const signal = AbortSignal.abort(new Error('no more'));
  const aborted = dice(inputsOf(logits, ids), {
    device,
    grads: true,
    signal,
    out: { predictions: { data, shape } },
  });
  await expect(aborted).rejects.toThrow('no more');
  expect(data.every((x) => x === 5)).toBe(true);
});

test.skipIf(backend.name === 'emulated-cuda')(
  '2^24 pixels × 4 classes of float16 ones do not overflow',
  () => {
    const count = 2 ** 24;
    const data = new Uint16Array(count * 4).fill(0x3c00);
    const predictions = { data, shape: [1, count, 4], dtype: 'float16' } as const;
    const targets = { data: new Uint8Array(count), shape: [1, count] };
    const { loss } = diceSync({ predictions, targets }, { device, activation: 'none', reduction: 'none' });
    const exact = 1 - (2 * count + 1e-5) / (2 * count + 1e-5) + 3 * (1 - 1e-5 / (count + 1e-5));
    expect(Math.abs(loss - exact)).toBeLessThan(1e-3 * exact);
  },
);
