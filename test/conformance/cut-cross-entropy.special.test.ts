// What a table of cases cannot say about cutCrossEntropy: objectives written in JavaScript, NaN that
// stays in its row, zeros that are exactly zero, and answers known in closed form. Runs on every backend, like the table.

import { CutlossError, cutCrossEntropySync } from 'cutloss';
import { beforeAll, describe, expect, test } from 'vitest';
import { cutCrossEntropy } from '../reference/cut-cross-entropy.js';
import { backend } from '../support/backends.js';
import { decode, encode, floatDTypes, halfUlp } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { random } from '../support/random.js';
import { bitsOf, type Found, type Numbers, type Options, problem, run, valuesOf } from './cut-problem.js';
import { expectRounded, expectScalar, K } from './tolerance.js';

const device = backend.device;

beforeAll(expectBackend);

describe.each(floatDTypes)('cutCrossEntropy of %s', (dtype) => {
  const p = problem(dtype);

  test('an objective in JavaScript gets log p of every row and decides loss and gradients', () => {
    const { normal } = random(5);
    const given = {
      loss: Float32Array.from(p.ids, normal),
      weights: Float32Array.from(p.ids, () => 1 + normal()),
    };
    const received: Float32Array[] = [];
    const objective = (logProbs: Float32Array) => {
      received.push(logProbs.slice());
      return given;
    };
    const found = run(p, { objective, grads: true, outputs: ['logProb'] });
    const exact = cutCrossEntropy(
      {
        hidden: decode(p.hidden, dtype),
        classifier: decode(p.classifier, dtype),
        bias: decode(p.bias, dtype),
        dim: p.dim,
        classes: p.classes,
        targets: p.ids,
      },
      { objective: given },
    );
    expect(received).toHaveLength(1);
    expect(Array.from(received[0] as Float32Array)).toEqual(Array.from(found.logProb?.dataSync() ?? []));
    expectScalar('loss', found.loss, exact.loss, exact.lossMagnitude);
    const got = valuesOf(found, 'hidden', dtype);
    const size = Math.max(...exact.hiddenGradient.map(Math.abs));
    got.forEach((value, i) => {
      expect(Math.abs(value - (exact.hiddenGradient[i] as number))).toBeLessThanOrEqual(
        2 * K * halfUlp(size, dtype) + 2 ** -20 * size,
      );
    });
  });

  test('frozen inputs: any of the gradients alone is the one of all together, bit by bit', () => {
    const all = bitsOf(run(p, { grads: true }));
    for (const [i, name] of ['hidden', 'classifier', 'bias'].entries()) {
      const alone = bitsOf(run(p, { grads: [name] }));
      expect(alone[i]).toEqual(all[i]);
      expect(alone.filter((bits) => bits !== undefined)).toHaveLength(1);
    }
  });

  // under a softcap not even the log-sum-exp shows an infinity
  test.each([{}, { softcap: 8 }])(
    'NaN and infinity in one row stay in that row; in an ignored row they reach no gradient %o',
    (options) => {
      const asked: Options = { grads: true, reduction: 'none', ...options };
      const healthy = run(p, asked);
      for (const [row, poison] of [
        [5, NaN],
        [5, Infinity],
        [3, NaN],
        [3, Infinity],
      ] as const) {
        const hidden = p.hidden.slice();
        hidden[row * p.dim + 2] = encode([poison], dtype)[0] as number;
        const found = run({ ...p, hidden }, asked);
        const [a, b] = [valuesOf(healthy, 'hidden', dtype), valuesOf(found, 'hidden', dtype)];
        for (let i = 0; i < a.length; i++) if (Math.floor(i / p.dim) !== row) expect(b[i]).toBe(a[i]);
        const ignored = p.ids[row] === -100;
        const values = valuesOf(found, 'classifier', dtype);
        expect(values.some(Number.isNaN), 'the classifier sees rows that count').toBe(!ignored);
        if (ignored) expect(bitsOf(found)).toEqual(bitsOf(healthy));
        if (Number.isNaN(poison) && !ignored) expect(found.perItem?.dataSync()[row]).toBeNaN();
      }
    },
  );

  test('a class weight that is NaN is in the gradient of every row that smoothing spreads it to, filtered or not', () => {
    const classWeights = new Float32Array(p.classes).fill(1);
    classWeights[7] = NaN;
    for (const eps of [0, 1e-3, 1]) {
      for (const grads of [true, ['hidden', 'classifier']]) {
        const gradientFilter = { hidden: true, classifier: true, eps };
        const found = run(
          { ...p, classWeights },
          { grads, labelSmoothing: 0.1, reduction: 'none', gradientFilter, workspaceBytes: 1 },
        );
        const gradient = valuesOf(found, 'hidden', dtype);
        for (let i = 0; i < gradient.length; i++) {
          const ignored = p.ids[Math.floor(i / p.dim)] === -100;
          expect(gradient[i]).toBe(ignored ? 0 : NaN);
        }
      }
    }
  });

  // in one chunk; where the classifier's gradient lends its memory; computed again
  test.runIf(device === 'cpu')('where logits are kept shows in nothing but rounding', () => {
    const large = { ...problem(dtype, 200, 200, 3001), classWeights: new Float32Array(3001) };
    large.classWeights.forEach((_, j, weights) => {
      weights[j] = 1 + (j % 3);
    });
    const options = {
      softcap: 8,
      labelSmoothing: 0.1,
      zLoss: 0.01,
      temperature: 2,
      upstream: 3,
      grads: true,
    };
    const [whole, ...others] = [2 ** 26, 1_400_000, 1].map((workspaceBytes) =>
      run(large, { ...options, workspaceBytes }),
    );
    for (const other of others) {
      expect(Math.abs(other.loss / (whole as Found).loss - 1)).toBeLessThan(2 ** -20);
      for (const name of ['hidden', 'classifier', 'bias'] as const) {
        const [a, b] = [valuesOf(whole as Found, name, dtype), valuesOf(other, name, dtype)];
        const largest = (values: Float64Array) =>
          values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const size = largest(a);
        const close = 2 * halfUlp(size, dtype) + 2 ** -16 * size;
        expect(largest(a.map((value, i) => value - (b[i] as number)))).toBeLessThan(close);
      }
    }
  });

  test('upstream 0, ignored rows and no rows give exactly 0', () => {
    for (const found of [
      run(p, { grads: true, upstream: 0 }),
      run({ ...p, ids: new Int32Array(p.rows).fill(-100) }, { grads: true }),
      run({ ...p, rows: 0, hidden: p.hidden.slice(0, 0), ids: new Int32Array(0) }, { grads: true }),
    ])
      for (const bits of bitsOf(found)) expect(bits?.every((bit) => bit === 0)).toBe(true);
  });

  test('memory given as `out` is overwritten in full, also where no row counts or there is none', () => {
    const none = new Int32Array(p.rows).fill(-100);
    for (const given of [
      p,
      { ...p, ids: none },
      { ...p, rows: 0, hidden: p.hidden.slice(0, 0), ids: none.slice(0, 0) },
    ]) {
      const stale = (count: number) => encode(new Float64Array(count).fill(NaN), dtype);
      const out = {
        hidden: { data: stale(given.rows * p.dim), shape: [given.rows, p.dim], dtype },
        classifier: { data: stale(p.classes * p.dim), shape: [p.classes, p.dim], dtype },
        bias: { data: stale(p.classes), shape: [p.classes], dtype },
      };
      run(given, { grads: true, out });
      for (const { data } of Object.values(out)) expect(decode(data, dtype).some(Number.isNaN)).toBe(false);
    }
  });

  test('shift by two is slicing by hand', () => {
    const [batch, time] = [3, 8];
    const long = problem(dtype, batch * time, 7, 50);
    const kept = Array.from({ length: batch * time }, (_, i) => i).filter((i) => i % time < time - 2);
    const shifted = cutCrossEntropySync(
      {
        hidden: { data: long.hidden, shape: [batch, time, 7], dtype },
        classifier: { data: long.classifier, shape: [50, 7], dtype },
        targets: { data: long.ids, shape: [batch, time] },
      },
      { device, shift: 2, grads: true },
    );
    const sliced = cutCrossEntropySync(
      {
        hidden: {
          data: encode(
            kept.flatMap((i) => [...decode(long.hidden, dtype).slice(i * 7, i * 7 + 7)]),
            dtype,
          ),
          shape: [kept.length, 7],
          dtype,
        },
        classifier: { data: long.classifier, shape: [50, 7], dtype },
        targets: { data: Int32Array.from(kept, (i) => long.ids[i + 2] as number), shape: [kept.length] },
      },
      { device, grads: true },
    );
    expectScalar('loss', shifted.loss, sliced.loss, sliced.loss);
    const [a, b] = [shifted, sliced].map((found) => decode(found.grads.hidden?.dataSync() as Numbers, dtype));
    kept.forEach((row, i) => {
      for (let k = 0; k < 7; k++) expect(a?.[row * 7 + k]).toBe(b?.[i * 7 + k]);
    });
    for (let i = 0; i < batch * time; i++)
      if (!kept.includes(i)) expect(a?.slice(i * 7, i * 7 + 7).every((value) => value === 0)).toBe(true);
  });

  test.each([10, 20, 40])('at margin %d the target keeps the relative precision of 1 - p', (margin) => {
    const hidden = encode([margin, 0], dtype);
    const classifier = encode([1, 0, 0, 0, 0, 0], dtype);
    const found = cutCrossEntropySync(
      {
        hidden: { data: hidden, shape: [1, 2], dtype },
        classifier: { data: classifier, shape: [3, 2], dtype },
        targets: { data: Int32Array.of(0), shape: [1] },
      },
      { device, grads: true },
    );
    const odds = 2 * Math.exp(-margin);
    const exact = (-odds / (1 + odds)) * 1;
    const got = decode(found.grads.hidden?.dataSync() as Numbers, dtype)[0] as number;
    const step = halfUlp(exact, dtype);
    expect(Math.abs(got - exact)).toBeLessThanOrEqual(K * (step + 2 ** -23 * Math.abs(exact)));
    expect(Math.abs(found.loss / Math.log1p(odds) - 1)).toBeLessThan(2 ** -21);
  });

  test('65,536 equal rows add up: sums do not stall', () => {
    const rows = 65536;
    const found = cutCrossEntropySync(
      {
        hidden: { data: encode(new Float64Array(rows).fill(1), dtype), shape: [rows, 1], dtype },
        classifier: { data: encode([0, 0, 0], dtype), shape: [3, 1], dtype },
        targets: { data: new Int32Array(rows), shape: [rows] },
      },
      { device, grads: ['classifier'], reduction: 'sum', upstream: 2 ** -4 },
    );
    const got = decode(found.grads.classifier?.dataSync() as Numbers, dtype);
    [-2 / 3, 1 / 3, 1 / 3].forEach((each, j) => {
      const exact = each * rows * 2 ** -4;
      // half an ulp of the sum for each of the additions in a row, 1024 in a chunk and then 64 chunks; where bfloat16
      // is multiplied in pairs, a third is rounded to it, and on a GPU so it is to float16
      const third = { float32: 0, bfloat16: 2 ** -9, float16: device === 'cpu' ? 0 : 2 ** -12 }[dtype];
      const chain = (1024 + 64) * 2 ** -24 + third;
      expect(Math.abs((got[j] as number) - exact)).toBeLessThanOrEqual(
        halfUlp(exact, dtype) + chain * Math.abs(exact),
      );
    });
  });

  test.skipIf(device !== 'cpu')(
    'equal rows whose targets are as frequent as predicted leave little of the gradient of bias, and that is right',
    () => {
      const [rows, classes, frequent] = [4096, 8000, 64];
      const logits = encode(
        Float64Array.from({ length: classes }, (_, j) => (j < frequent ? -j / 64 : -20)),
        dtype,
      );
      const exponentials = decode(logits, dtype).map(Math.exp);
      const sum = exponentials.reduce((all, each) => all + each);
      const counts = exponentials.map((each) => Math.round((rows * each) / sum));
      counts[0] = (counts[0] as number) + rows - counts.reduce((all, each) => all + each);
      const targets = Int32Array.from(Array.from(counts).flatMap((count, j) => new Array(count).fill(j)));
      const found = cutCrossEntropySync(
        {
          hidden: { data: encode(new Float64Array(rows).fill(1), dtype), shape: [rows, 1], dtype },
          classifier: { data: logits, shape: [classes, 1], dtype },
          bias: { data: encode(new Float64Array(classes), dtype), shape: [classes], dtype },
          targets: { data: targets, shape: [rows] },
        },
        { device, grads: true, reduction: 'sum', workspaceBytes: 1_500_000 },
      );
      const exact = exponentials.map((each, j) => (rows * each) / sum - (counts[j] as number));
      // as cut-noise.ts derives it: the sum over rows, and p's own error, which is the same in all of them
      const relative = Math.hypot(2 ** -24 * Math.sqrt(rows / 3), 2 ** -23);
      const noise = exponentials.map((each) => (relative * rows * each) / sum);
      expectRounded('gradient of bias', valuesOf(found, 'bias', dtype), exact, dtype, exact, noise);
    },
  );

  test('lse of two vocabularies is logaddexp of theirs', () => {
    const [half, whole] = [65, p.classes];
    const part = (from: number, to: number) =>
      run(
        {
          ...p,
          classes: to - from,
          classifier: p.classifier.slice(from * p.dim, to * p.dim),
          bias: p.bias.slice(from, to),
          ids: new Int32Array(p.rows),
        },
        { outputs: ['lse'] },
      ).lse?.dataSync() as Float32Array;
    const [first, second, both] = [part(0, half), part(half, whole), part(0, whole)];
    both.forEach((value, i) => {
      const [a, b] = [first[i] as number, second[i] as number];
      const exact = Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(2 * K * (halfUlp(exact, 'float32') + 2 ** -23));
    });
  });

  test('permuting the vocabulary permutes the gradient of the classifier', () => {
    const order = Array.from({ length: p.classes }, (_, j) => (j * 37) % p.classes);
    const place = new Map(order.map((from, to) => [from, to]));
    const classifier = p.classifier.slice();
    const bias = p.bias.slice();
    order.forEach((from, to) => {
      classifier.set(p.classifier.subarray(from * p.dim, (from + 1) * p.dim), to * p.dim);
      bias[to] = p.bias[from] as number;
    });
    const ids = p.ids.map((id) => place.get(id) ?? id);
    const [plain, moved] = [run(p, { grads: true }), run({ ...p, classifier, bias, ids }, { grads: true })];
    const [a, b] = [valuesOf(plain, 'classifier', dtype), valuesOf(moved, 'classifier', dtype)];
    const size = Math.max(...a.map(Math.abs));
    order.forEach((from, to) => {
      for (let k = 0; k < p.dim; k++) {
        const difference = Math.abs((b[to * p.dim + k] as number) - (a[from * p.dim + k] as number));
        expect(difference).toBeLessThanOrEqual(2 * halfUlp(size, dtype) + 2 ** -20 * size);
      }
    });
  });

  test('a target out of range is named with its row, and nothing is written', () => {
    for (const [row, value] of [
      [0, p.classes],
      [17, -1],
      [p.rows - 1, 2 ** 31 - 1],
      [20, -(2 ** 31)],
    ] as const) {
      const memory = p.hidden.slice().fill(3);
      const out = { hidden: { data: memory, shape: [p.rows, p.dim], dtype } };
      const call = () => run({ ...p, ids: p.ids.with(row, value) }, { grads: ['hidden'], out });
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_CUTLOSS_TARGET', details: { row, value } }));
      expect(call).toThrow(CutlossError);
      expect(memory.every((x) => x === 3)).toBe(true);
    }
  });
});
