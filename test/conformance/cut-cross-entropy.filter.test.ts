// The filter of cutCrossEntropy's gradients: its bound, what it never touches, the logits that need not be computed again,
// and the order of words that lets it leave out more. Runs on every backend.

import { beforeAll, describe, expect, test } from 'vitest';
import { backend } from '../support/backends.js';
import { decode, encode, type FloatDType, floatDTypes, halfUlp } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import {
  bitsOf,
  type Found,
  type Options,
  type Problem,
  problem,
  run,
  valuesOf,
  zipfProblem,
} from './cut-problem.js';
import { expectScalar, K } from './tolerance.js';

interface Filter {
  eps: number;
  sortVocabulary?: boolean;
}
const device = backend.device;
/** Tiles of a GPU are 16 x 64, and where AMX multiplies 32 x 32: of a small problem, each holds a large probability. */
const smallTiles = (dtype: FloatDType) =>
  device === 'cpu' && !(backend.simd === 'amx' && dtype === 'bfloat16');

beforeAll(expectBackend);

/** No element differs by more than what elements below eps can add up to. The reduction is 'sum'. */
function expectWithinBound(
  { rows, dim, classes, dtype, ids, ...p }: Problem,
  exact: Found,
  found: Found,
  eps: number,
) {
  const sizes = (of: Float64Array, count: number, counts: (i: number) => boolean) => {
    const sum = new Float64Array(dim);
    for (let i = 0; i < count; i++)
      if (counts(i))
        for (let k = 0; k < dim; k++) sum[k] = (sum[k] as number) + Math.abs(of[i * dim + k] as number);
    return sum;
  };
  const bounds = {
    hidden: sizes(decode(p.classifier, dtype), classes, () => true),
    classifier: sizes(decode(p.hidden, dtype), rows, (i) => (ids[i] as number) >= 0),
  };
  for (const name of ['hidden', 'classifier'] as const) {
    const [a, b] = [valuesOf(exact, name, dtype), valuesOf(found, name, dtype)];
    a.forEach((value, i) => {
      const bound = eps * (bounds[name][i % dim] as number);
      const rounding = K * (halfUlp(value, dtype) + halfUlp(b[i] as number, dtype));
      expect(Math.abs((b[i] as number) - value)).toBeLessThanOrEqual(bound + rounding);
    });
  }
}

describe.each(floatDTypes)('the filter of %s', (dtype) => {
  const p = problem(dtype);

  test('with eps 0 changes no bit', () => {
    const exact = run(p, { grads: true });
    const found = run(p, { grads: true, gradientFilter: { hidden: true, classifier: true, eps: 0 } });
    expect(bitsOf(found)).toEqual(bitsOf(exact));
    expect([exact.keptTiles, found.keptTiles]).toEqual([undefined, 1]);
  });

  test.each([{ eps: 1e-3 }, { eps: 1e-3, sortVocabulary: true }, { eps: 1 }] as Filter[])(
    '%o drops no more than eps of any product, and keeps every target',
    (filter) => {
      const large = problem(dtype, 80, 19, 700);
      const { dim, ids } = large;
      const classifier = decode(large.classifier, dtype);
      for (const workspaceBytes of [undefined, 1]) {
        const sum: Options = { grads: true, reduction: 'sum', ...(workspaceBytes && { workspaceBytes }) };
        const exact = run(large, sum);
        const found = run(large, { ...sum, gradientFilter: { hidden: true, classifier: true, ...filter } });
        const atMost = filter.eps === 1 ? 0.01 : smallTiles(dtype) ? 0.9 : 1;
        expect(found.keptTiles).toBeLessThanOrEqual(atMost);
        expectScalar('loss', found.loss, exact.loss, exact.loss); // another order of words rounds otherwise
        if (!filter.sortVocabulary) expect(found.loss).toBe(exact.loss);
        expectWithinBound(large, exact, found, filter.eps);
        // a filter that drops everything else leaves (p - 1) of the target, exactly as it was
        if (filter.eps !== 1) continue;
        const counted = ids.findIndex((id) => id >= 0);
        const p1 = Math.expm1(run(large, { outputs: ['logProb'] }).logProb?.dataSync()[counted] as number);
        for (let k = 0; k < dim; k++) {
          const c = classifier[(ids[counted] as number) * dim + k] as number;
          const got = valuesOf(found, 'hidden', dtype)[counted * dim + k] as number;
          expect(Math.abs(got - p1 * c)).toBeLessThanOrEqual(
            K * (halfUlp(p1 * c, dtype) + 2 ** -22 * Math.abs(c)),
          );
        }
      }
    },
  );

  test("'hidden' leaves no row of the classifier's gradient zero, and the loss and bias as they are", () => {
    const found = run(p, { grads: true, gradientFilter: { eps: 0.01 } });
    const exact = run(p, { grads: true });
    const gradient = valuesOf(found, 'classifier', dtype);
    for (let j = 0; j < p.classes; j++)
      expect(gradient.subarray(j * p.dim, (j + 1) * p.dim).some((value) => value !== 0)).toBe(true);
    expect(bitsOf(found).slice(1)).toEqual(bitsOf(exact).slice(1));
    if (smallTiles(dtype)) expect(found.keptTiles).toBeLessThan(1);
  });

  describe('on words that are mostly rare', () => {
    const eps = 1e-3;
    const words = zipfProblem(dtype, 150, 9, 1000);
    const filter = { hidden: true, classifier: true, eps };
    const both: Options = { grads: ['hidden', 'classifier'], reduction: 'sum' };

    test('sortVocabulary gathers them, so that fewer tiles are kept, and puts results back in their places', () => {
      // a GPU sorts if the workspace has room for a copy of the classifier
      for (const workspaceBytes of device === 'cpu' ? [2 ** 26, 1] : [2 ** 26]) {
        const exact = run(words, { ...both, workspaceBytes, outputs: ['argmax'] });
        const plain = run(words, { ...both, workspaceBytes, gradientFilter: filter });
        const sorted = run(words, {
          ...both,
          workspaceBytes,
          gradientFilter: { ...filter, sortVocabulary: true },
          outputs: ['argmax'],
        });
        expect(sorted.keptTiles).toBeLessThan(0.9 * (plain.keptTiles as number));
        expectScalar('loss', sorted.loss, exact.loss, exact.loss);
        expect(sorted.argmax?.dataSync()).toEqual(exact.argmax?.dataSync());
        expectWithinBound(words, exact, sorted, eps);
      }
    });

    test('with everything that belongs to a word: bias, class weights, smoothing', () => {
      const classWeights = Float32Array.from({ length: words.classes }, (_, j) => 0.5 + (j % 7) / 7);
      const given = { ...words, bias: problem(dtype, 150, 9, 1000).bias, classWeights };
      for (const workspaceBytes of [2 ** 26, 1]) {
        const options: Options = { reduction: 'sum', grads: true, workspaceBytes, labelSmoothing: 0.1 };
        const exact = run(given, options);
        // what every word's label adds is above this eps: nothing is left out, only the order is another
        const found = run(given, {
          ...options,
          gradientFilter: { ...filter, eps: 1e-6, sortVocabulary: true },
        });
        expectScalar('loss', found.loss, exact.loss, exact.loss);
        for (const name of ['hidden', 'classifier', 'bias'] as const) {
          const [a, b] = [valuesOf(exact, name, dtype), valuesOf(found, name, dtype)];
          const size = Math.max(...a.map(Math.abs));
          a.forEach((value, i) => {
            expect(Math.abs((b[i] as number) - value)).toBeLessThanOrEqual(
              2 * halfUlp(size, dtype) + 2 ** -18 * size,
            );
          });
        }
      }
    });

    test('a class weight that is NaN is never left out with its tile', () => {
      const classWeights = new Float32Array(words.classes).fill(1);
      classWeights[words.ids.findIndex((id) => id >= 0) + 500] = Number.NaN;
      for (const workspaceBytes of [2 ** 26, 1]) {
        const options: Options = { ...both, workspaceBytes, labelSmoothing: 1e-6 };
        const given = { ...words, classWeights };
        const exact = run(given, options);
        const found = run(given, { ...options, gradientFilter: { ...filter, eps: 0.1 } });
        expect(exact.loss).toBeNaN();
        expect(found.loss).toBeNaN();
        for (const name of ['hidden', 'classifier'] as const) {
          const nansOf = (of: Found) => valuesOf(of, name, dtype).map((value) => Number(Number.isNaN(value)));
          expect(nansOf(found)).toEqual(nansOf(exact));
          expect(nansOf(found)).toContain(1);
        }
      }
    });

    test.skipIf(dtype === 'float16')(
      'logits below the range of half precision are not skipped for it',
      () => {
        const far = { ...words, bias: encode(new Float64Array(words.classes).fill(-70_000), dtype) };
        const exact = run(far, { ...both, workspaceBytes: 1 });
        const found = run(far, { ...both, workspaceBytes: 1, gradientFilter: { ...filter, eps: 1e-9 } });
        for (const name of ['hidden', 'classifier'] as const) {
          const [a, b] = [valuesOf(exact, name, dtype), valuesOf(found, name, dtype)];
          const size = Math.max(...a.map(Math.abs));
          a.forEach((value, i) => {
            expect(Math.abs((b[i] as number) - value)).toBeLessThanOrEqual(
              2 * halfUlp(size, dtype) + 1e-6 * size,
            );
          });
        }
      },
    );

    test('logits that are skipped instead of computed again would have been left out', () => {
      for (const sortVocabulary of [false, true]) {
        const gradientFilter = { ...filter, sortVocabulary };
        const options: Options = { reduction: 'sum', workspaceBytes: 1, gradientFilter };
        const skipped = run(words, { ...options, grads: ['hidden', 'classifier'] });
        const computed = run(words, { ...options, grads: true }); // the bias wants every logit
        expect(skipped.keptTiles).toBe(computed.keptTiles);
        expect(bitsOf(skipped)[1]).toEqual(bitsOf(computed)[1]);
        expectWithinBound(words, computed, skipped, eps);
      }
    });
  });
});
