// What a table of cases cannot say about crossEntropy: objectives written in JavaScript, NaN that stays in its row,
// zeros that are exactly zero, ties, and answers known in closed form. Runs on every backend, like the table.

import { CutlossError, crossEntropySync, type RowOptions } from 'cutloss';
import { beforeAll, describe, expect, test } from 'vitest';
import { crossEntropy } from '../reference/cross-entropy.js';
import { backend } from '../support/backends.js';
import { decode, encode, floatDTypes } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { random } from '../support/random.js';
import { expectRounded, expectScalar } from './tolerance.js';

type Options = RowOptions & { grads?: boolean; upstream?: number; reduction?: 'mean' | 'sum' | 'none' };
const device = backend.device;
const outputs = ['logProb', 'lse', 'entropy', 'argmax'] as const;
const everyPath: Options[] = [{}, { labelSmoothing: 0.1, softcap: 30 }, { objective: { kind: 'focal' } }];

beforeAll(expectBackend);

describe.each(floatDTypes)('crossEntropy of %s', (dtype) => {
  const rows = 37;
  const classes = 131;
  const { normal, below } = random(21);
  const storage = encode(
    Float64Array.from({ length: rows * classes }, () => 3 * normal()),
    dtype,
  );
  const logits = { data: storage, shape: [rows, classes], dtype };
  const ids = Int32Array.from({ length: rows }, (_, i) => (i % 7 === 3 ? -100 : below(classes)));
  const targets = { data: ids, shape: [rows] };

  test.each(['mean', 'none'] as const)(
    'an objective in JavaScript gets log p of every row and decides loss and gradient (%s)',
    (reduction) => {
      const given = { loss: Float32Array.from(ids, normal), weights: Float32Array.from(ids, normal) };
      const received: Float32Array[] = [];
      const objective = (logProbs: Float32Array) => {
        received.push(logProbs.slice());
        logProbs.fill(0); // the array is the caller's to keep
        return given;
      };
      const weights = Float32Array.from(ids, () => 0.5 + below(8) / 8);
      const found = crossEntropySync({ logits, targets, weights: { data: weights, shape: [rows] } }, {
        device,
        objective,
        reduction,
        zLoss: 1e-2,
        softcap: 20,
        grads: true,
        outputs,
      } as Options);
      const exact = crossEntropy(
        { logits: decode(storage, dtype), classes, targets: ids, weights },
        { objective: given, reduction, zLoss: 1e-2, softcap: 20 },
      );
      expect(received).toHaveLength(1);
      expectRounded('log p', received[0] as Float32Array, exact.logProb, 'float32');
      expectScalar('loss', found.loss, exact.loss, exact.lossMagnitude);
      expectRounded(
        'gradient',
        decode(found.grads.logits?.dataSync() as Float32Array, dtype),
        exact.gradient,
        dtype,
        exact.gradientMagnitude,
      );
      expectRounded('logProb', found.logProb?.dataSync() as Float32Array, exact.logProb, 'float32');
      if (reduction === 'none')
        expectRounded(
          'perItem',
          found.perItem?.dataSync() as Float32Array,
          exact.perItem,
          'float32',
          exact.perItemMagnitude,
        );
    },
  );

  test.each(everyPath)('NaN and infinity in one row stay in that row: %o', (options) => {
    for (const poison of [NaN, Infinity]) {
      const sick = storage.slice();
      sick[5 * classes + 77] = encode([poison], dtype)[0] as number;
      const ask: Options = { ...options, grads: true, outputs, reduction: 'none' };
      const healthy = crossEntropySync({ logits, targets }, { device, ...ask } as Options);
      const found = crossEntropySync({ logits: { ...logits, data: sick }, targets }, {
        device,
        ...ask,
      } as Options);
      const values = (result: typeof found) => decode(result.grads.logits?.dataSync() as Float32Array, dtype);
      const [a, b] = [values(healthy), values(found)];
      for (let i = 0; i < rows * classes; i++) if (Math.floor(i / classes) !== 5) expect(b[i]).toBe(a[i]);
      for (let i = 0; i < rows; i++)
        if (i !== 5) expect(found.perItem?.dataSync()[i]).toBe(healthy.perItem?.dataSync()[i]);
      if (Number.isNaN(poison)) {
        expect(found.perItem?.dataSync()[5]).toBeNaN();
        expect(found.loss).toBeNaN();
        expect(b.slice(5 * classes, 6 * classes).every(Number.isNaN), 'the whole row is NaN').toBe(true);
      }
    }
  });

  test.each(everyPath)('upstream 0, zero weights and ignored rows give exactly 0: %o', (options) => {
    const zero = crossEntropySync({ logits, targets }, {
      device,
      ...options,
      grads: true,
      upstream: 0,
    } as Options);
    expect(decode(zero.grads.logits?.dataSync() as Float32Array, dtype).every((value) => value === 0)).toBe(
      true,
    );
    const weights = { data: Float32Array.from(ids, (_, i) => i % 2), shape: [rows] };
    const half = crossEntropySync({ logits, targets, weights }, {
      device,
      ...options,
      grads: true,
    } as Options);
    const gradient = decode(half.grads.logits?.dataSync() as Float32Array, dtype);
    for (let i = 0; i < rows; i++) {
      const none = i % 2 === 0 || ids[i] === -100;
      const row = gradient.subarray(i * classes, (i + 1) * classes);
      expect(
        row.every((value) => value === 0),
        `row ${i}`,
      ).toBe(none);
    }
  });

  test('old memory given as `out` is overwritten in full, also where rows are ignored', () => {
    const memory = storage.slice().fill(encode([NaN], dtype)[0] as number);
    const none = { data: new Int32Array(rows).fill(-100), shape: [rows] };
    for (const labels of [targets, none]) {
      const out = { logits: { data: memory, shape: [rows, classes], dtype } };
      crossEntropySync({ logits, targets: labels }, { device, grads: true, out } as Options);
      expect(decode(memory, dtype).some(Number.isNaN)).toBe(false);
    }
  });

  test('what weighs nothing has no part in loss and gradient, whatever it holds', () => {
    const worst = encode(Float64Array.of(-Infinity, 1, 2, Number.NaN, 1, 2, 0, 1, 2), dtype);
    const inputs = {
      logits: { data: worst, shape: [3, 3], dtype },
      targets: { data: Int32Array.of(0, 1, 1), shape: [3] },
    };
    for (const options of [{}, { outputs: ['entropy'] }, { softcap: 30 }] as Options[]) {
      const alone = crossEntropySync(
        {
          logits: { data: worst.slice(6), shape: [1, 3], dtype },
          targets: { data: Int32Array.of(1), shape: [1] },
        },
        { device, reduction: 'sum', grads: true, ...options } as Options,
      );
      const found = crossEntropySync({ ...inputs, weights: { data: Float32Array.of(0, 0, 1), shape: [3] } }, {
        device,
        reduction: 'sum',
        grads: true,
        ...options,
      } as Options);
      expect(found.loss).toBe(alone.loss);
      const gradient = Array.from(decode(found.grads.logits?.dataSync() as Uint16Array, dtype));
      const last = Array.from(decode(alone.grads.logits?.dataSync() as Uint16Array, dtype));
      expect(gradient).toEqual([0, 0, 0, 0, 0, 0, ...last]);
    }
  });

  test('a target whose class weighs nothing: nothing, though log p is infinite or not a number', () => {
    for (const first of [-Infinity, Infinity, Number.NaN]) {
      const { loss, grads } = crossEntropySync(
        {
          logits: { data: encode(Float64Array.of(first, 1, 2), dtype), shape: [1, 3], dtype },
          targets: { data: Int32Array.of(0), shape: [1] },
          classWeights: { data: Float32Array.of(0, 1, 1), shape: [3] },
        },
        { device, reduction: 'sum', grads: true } as Options,
      );
      expect(loss).toBe(0);
      expect(Array.from(decode(grads.logits?.dataSync() as Uint16Array, dtype))).toEqual([0, 0, 0]);
    }
  });

  test('an infinite upstream gradient leaves signs', () => {
    for (const options of [{}, { outputs: ['entropy'] }] as Options[]) {
      const { grads } = crossEntropySync(
        {
          logits: { data: encode(Float64Array.of(0, 1, 2), dtype), shape: [1, 3], dtype },
          targets: { data: Int32Array.of(1), shape: [1] },
        },
        { device, grads: true, upstream: { data: Float32Array.of(Infinity), shape: [1] }, ...options },
      );
      const gradient = Array.from(decode(grads.logits?.dataSync() as Uint16Array, dtype));
      expect(gradient).toEqual([Infinity, -Infinity, Infinity]);
    }
  });

  test('a softcap far beyond the logits leaves them as they are, and equal ones equal', () => {
    const lossOf = (values: number[], softcap?: number): number =>
      crossEntropySync(
        {
          logits: { data: encode(Float64Array.from(values), dtype), shape: [1, values.length], dtype },
          targets: { data: Int32Array.of(0), shape: [1] },
        },
        { device, outputs: ['entropy'], ...(softcap && { softcap }) },
      ).loss;
    for (const softcap of [1e6, 1e12, 1e20, 3e38])
      expect(Math.abs(lossOf([2, 1, -3], softcap) - lossOf([2, 1, -3]))).toBeLessThan(1e-10);
    for (const [value, softcap] of [
      [5e4, 1e5],
      [3e4, 3e4],
      [-3e4, 3e4],
    ] as const)
      expect(lossOf([value, value], softcap)).toBe(Math.LN2);
  });

  test('argmax is the first of equals', () => {
    const flat = { data: encode(new Float64Array(3 * classes), dtype), shape: [3, classes], dtype };
    const found = crossEntropySync(
      { logits: flat, targets: { data: Int32Array.of(5, 0, 130), shape: [3] } },
      { device, outputs } as Options,
    );
    expect(Array.from(found.argmax?.dataSync() ?? [])).toEqual([0, 0, 0]);
  });

  test('all logits equal: the loss is log V', () => {
    const flat = { data: encode(new Float64Array(2 * classes).fill(-3), dtype), shape: [2, classes], dtype };
    const { loss } = crossEntropySync(
      { logits: flat, targets: { data: Int32Array.of(5, 0), shape: [2] } },
      { device },
    );
    expectScalar('loss', loss, Math.log(classes), Math.log(classes));
  });

  test('all rows ignored, and no rows: loss 0, zero gradients, no NaN', () => {
    for (const count of [0, 4]) {
      const inputs = {
        logits: { data: storage.slice(0, count * classes), shape: [count, classes], dtype },
        targets: { data: new Int32Array(count).fill(-100), shape: [count] },
      };
      const found = crossEntropySync(inputs, {
        device,
        grads: true,
        labelSmoothing: 0.1,
        zLoss: 1,
      } as Options);
      expect([found.loss, found.rows]).toEqual([0, 0]);
      expect(
        decode(found.grads.logits?.dataSync() as Float32Array, dtype).every((value) => value === 0),
      ).toBe(true);
    }
  });

  test('a target out of range is named with its row, wherever it stands, and nothing is written', () => {
    for (const [row, value] of [
      [0, classes],
      [17, -1],
      [rows - 1, 2 ** 31 - 1],
      [20, -(2 ** 31)],
    ] as const) {
      const bad = ids.with(row, value);
      const memory = storage.slice().fill(3);
      const call = () =>
        crossEntropySync({ logits, targets: { data: bad, shape: [rows] } }, {
          device,
          grads: true,
          out: { logits: { data: memory, shape: [rows, classes], dtype } },
        } as Options);
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_CUTLOSS_TARGET', details: { row, value } }));
      expect(call).toThrow(CutlossError);
      expect(memory.every((x) => x === 3)).toBe(true);
    }
  });
});
