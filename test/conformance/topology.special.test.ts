// What the cases of topology do not say: fields at the edge of being fields, symmetries, dtypes, memory, threads.

import {
  type Bars,
  bettiMatching,
  bettiMatchingErrorSync,
  bettiMatchingSync,
  bettiNumberErrorSync,
  bettiNumbersSync,
  CutlossError,
  persistenceSync,
  setThreads,
  type Tensor,
  toBFloat16,
  toFloat16,
} from 'cutloss';
import { describe, expect, test } from 'vitest';
import { backend } from '../support/backends.js';
import { random } from '../support/random.js';

const device = 'cpu';
const { uniform } = random(21);
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const field = (shape: readonly number[], value: (i: number) => number = uniform) => ({
  data: Float32Array.from({ length: size(shape) }, (_, i) => value(i)),
  shape,
});
const lengths = (bars: readonly Bars[]): number[] => bars.map(({ birth }) => birth.length);
/** Values of bars, without their places. */
const barcode = (bars: readonly Bars[]): string[][] =>
  bars.map(({ birth, death }) => Array.from(birth, (b, i) => `${b} ${death[i]}`).sort());

describe.runIf(backend.device === 'cpu')(`topology on ${backend.name}`, () => {
  describe('fields at the edge', () => {
    test('NaN is an error that names the voxel', () => {
      const bad = field([2, 3, 4], (i) => (i === 17 ? NaN : i));
      const good = field([2, 3, 4]);
      const message = (name: string) => new RegExp(`for ${name} but received NaN at voxel 5 of item 1`);
      for (const run of [
        () => persistenceSync(bad),
        () => bettiNumbersSync(bad),
        () => bettiMatchingSync({ prediction: bad, target: good }),
      ])
        expect(run).toThrow(expect.objectContaining({ code: 'ERR_CUTLOSS_OPTION' }));
      expect(() => bettiMatchingSync({ prediction: bad, target: good })).toThrow(message('prediction'));
      expect(() => bettiMatchingSync({ prediction: good, target: bad })).toThrow(message('target'));
    });
    test('nothing is written where there is a NaN', () => {
      const out = new Float32Array(8).fill(7);
      const prediction = field([2, 2, 2], (i) => (i === 7 ? NaN : i));
      const options = { grads: true, out: { prediction: { data: out, shape: [2, 2, 2] } } };
      expect(() => bettiMatchingSync({ prediction, target: field([2, 2, 2]) }, options)).toThrow(
        CutlossError,
      );
      expect([...out]).toEqual(Array(8).fill(7));
    });
    test.each([[[0, 4, 4]], [[2, 0, 4]], [[1, 2, 0, 3]]])('a batch of %j has no bars', (shape) => {
      const empty = field(shape);
      expect(
        persistenceSync(empty, { border: 'closed' })
          .flat()
          .flatMap(({ birth }) => [...birth]),
      ).toEqual([]);
      const { loss, grads } = bettiMatchingSync({ prediction: empty, target: empty }, { grads: true });
      expect([loss, grads.prediction?.size]).toEqual([0, 0]);
      expect([...bettiMatchingErrorSync({ prediction: empty, target: empty })]).toEqual(
        Array(shape[0]).fill(0),
      );
      for (const numbers of bettiNumbersSync(empty)) expect(Math.max(...numbers)).toBe(0);
    });
    test.each([[[1, 1, 1]], [[1, 1, 1, 1]], [[1, 1, 9]], [[1, 7, 1]], [[1, 5, 6]], [[1, 3, 4, 5]]])(
      'a constant field of %j has no bars, and one component',
      (shape) => {
        for (const border of ['open', 'closed'] as const) {
          const bars = persistenceSync(
            field(shape, () => 0.7),
            { border },
          )[0] as Bars[];
          expect(Math.max(...lengths(bars))).toBe(0);
          const [numbers] = bettiNumbersSync(
            field(shape, () => 0.7),
            { border },
          );
          expect(numbers?.[0]).toBe(1);
          expect(Math.max(...(numbers?.subarray(1) ?? []))).toBe(0);
        }
      },
    );
    test('a line has components only', () => {
      const line = field([1, 1, 5], (i) => [3, 1, 4, 1, 5][i] as number);
      const [components, loops] = persistenceSync(line)[0] as [Bars, Bars];
      expect([...components.birth].sort()).toEqual([3, 4]);
      expect(loops.birth.length).toBe(0);
    });
    test('infinities are ordinary values', () => {
      const row = field([1, 1, 3], (i) => [Infinity, -Infinity, 2][i] as number);
      const [components] = persistenceSync(row)[0] as [Bars];
      expect([components.birth[0], components.death[0]]).toEqual([2, -Infinity]);
      expect(bettiMatchingSync({ prediction: row, target: row }).loss).toBe(0);
    });
  });

  describe('representatives', () => {
    const at = (rows: readonly string[], value: (mark: string) => number) =>
      field([1, rows.length, rows[0]?.length as number], (i) => value([...rows.join('')][i] as string));
    const bright = (mark: string): number => ({ '#': 1, o: 0.8, '.': 0 })[mark] as number;
    const marked = (rows: readonly string[], mark: string): number[] =>
      [...rows.join('')].flatMap((each, i) => (each === mark ? [i] : []));

    test('of a component its voxels, of a hole those around it, whatever the border', () => {
      const rows = ['........', '.ooo..#.', '.o.o..#.', '.ooo....', '........'];
      const ring = at(rows, bright);
      const nothing = at(rows, () => 0);
      for (const border of ['open', 'closed'] as const) {
        const { pairs } = bettiMatchingSync(
          { prediction: ring, target: nothing },
          { outputs: ['representatives'], border },
        );
        const [components, loops] = pairs?.[0] ?? [];
        const held = components?.representatives?.unmatchedPrediction.map((each) => [...each]) ?? [];
        // with a closed border the padding is the component that never dies, and both parts are listed
        expect(held).toContainEqual(border === 'open' ? marked(rows, 'o') : marked(rows, '#'));
        const holes = loops?.representatives?.unmatchedPrediction.map((each) => [...each]) ?? [];
        expect(holes).toContainEqual(marked(rows, 'o'));
      }
    });
    test('of a shell in 3-D the shell', () => {
      const shell = field([1, 5, 5, 5], (i) => {
        const steps = [Math.floor(i / 25), Math.floor(i / 5) % 5, i % 5].map((x) => Math.abs(x - 2));
        return Number(Math.max(...steps) === 1);
      });
      const { pairs } = bettiMatchingSync(
        { prediction: shell, target: shell },
        { outputs: ['representatives'] },
      );
      const [cavity] = pairs?.[0]?.[2]?.representatives?.matched.target ?? [];
      expect([...(cavity ?? [])]).toEqual([...shell.data.keys()].filter((i) => shell.data[i] === 1));
    });
  });

  describe('symmetries', () => {
    const shapes = [
      [1, 9, 11],
      [1, 4, 5, 6],
    ];
    test.each(shapes.map((shape) => [shape]))(
      'a field of %j against itself: everything matches, loss 0',
      (shape) => {
        for (const each of [field(shape), field(shape, () => Math.round(uniform()))]) {
          const options = { grads: true, outputs: ['pairs'] } as const;
          const { loss, grads, pairs } = bettiMatchingSync({ prediction: each, target: each }, options);
          expect(loss).toBe(0);
          expect(Math.max(...((grads.prediction as Tensor).dataSync() as Float32Array))).toBe(0);
          for (const { matched, unmatchedPrediction, unmatchedTarget } of pairs?.[0] ?? []) {
            expect([unmatchedPrediction.birth.length, unmatchedTarget.birth.length]).toEqual([0, 0]);
            expect([...matched.prediction.birthIndex]).toEqual([...matched.target.birthIndex]);
          }
          expect([...bettiMatchingErrorSync({ prediction: each, target: each })]).toEqual([0]);
          expect([...bettiNumberErrorSync({ prediction: each, target: each })]).toEqual([0]);
        }
      },
    );
    test.each(shapes.map((shape) => [shape]))(
      'barcodes of %j stay as they are under flips and transpositions',
      (shape) => {
        for (const each of [field(shape), field(shape, () => Math.round(4 * uniform()))]) {
          const [, ...extents] = shape;
          const strides = extents.map((_, axis) => size(extents.slice(axis + 1)));
          /** The field with axes in another order, some of them backwards. */
          const turned = (order: readonly number[], flips: readonly boolean[]) => {
            const to = order.map((axis) => extents[axis] as number);
            return field([1, ...to], (i) => {
              let from = 0;
              let rest = i;
              for (let k = to.length - 1; k >= 0; k--) {
                const at = rest % (to[k] as number);
                rest = Math.floor(rest / (to[k] as number));
                from +=
                  (flips[k] ? (to[k] as number) - 1 - at : at) * (strides[order[k] as number] as number);
              }
              return each.data[from] as number;
            });
          };
          const axes = extents.map((_, axis) => axis);
          const known = barcode(persistenceSync(each)[0] as Bars[]);
          const flips = axes.map((axis) => axis % 2 === 0);
          for (const order of [axes, [...axes].reverse(), [...axes.slice(1), 0]])
            for (const flip of [flips, flips.map((f) => !f), axes.map(() => true)])
              expect(barcode(persistenceSync(turned(order, flip))[0] as Bars[])).toEqual(known);
        }
      },
    );
    test('superlevel of a field is sublevel of its negative', () => {
      const bright = field([1, 8, 9]);
      const dark = field([1, 8, 9], (i) => -(bright.data[i] as number));
      const negated = persistenceSync(dark, { filtration: 'sublevel' })[0] as Bars[];
      expect(barcode(persistenceSync(bright)[0] as Bars[])).toEqual(
        barcode(negated.map((b) => ({ ...b, birth: b.birth.map((x) => -x), death: b.death.map((x) => -x) }))),
      );
    });
  });

  describe('dtypes and memory', () => {
    const shape = [2, 6, 7];
    const target = field(shape, () => Math.round(uniform()));
    const coarse = field(shape, () => Math.round(64 * uniform()) / 64); // fits 16 bits
    const wanted = bettiMatchingSync({ prediction: coarse, target }, { device, grads: true });
    const slopes = [...((wanted.grads.prediction as Tensor).dataSync() as Float32Array)];
    test.each([
      ['float16', toFloat16(coarse.data)],
      ['bfloat16', toBFloat16(coarse.data)],
    ] as const)('%s', (dtype, data) => {
      const found = bettiMatchingSync({ prediction: { data, shape, dtype }, target }, { grads: true });
      expect(found.loss).toBe(wanted.loss);
      const convert = dtype === 'float16' ? toFloat16 : toBFloat16;
      expect([...((found.grads.prediction as Tensor).dataSync() as Uint16Array)]).toEqual([
        ...convert(Float32Array.from(slopes)),
      ]);
    });
    test.each([
      ['uint8', Uint8Array.from(target.data)],
      ['int32', Int32Array.from(target.data)],
      ['int64', BigInt64Array.from(target.data, BigInt)],
      ['bool', Uint8Array.from(target.data)],
    ] as const)('targets of %s', (dtype, data) => {
      expect(bettiMatchingSync({ prediction: coarse, target: { data, shape, dtype } }).loss).toBe(
        wanted.loss,
      );
    });
    test('the gradient may take the place of the prediction', () => {
      const data = coarse.data.slice();
      const options = { grads: true, out: { prediction: { data, shape } } };
      const { loss } = bettiMatchingSync({ prediction: { data, shape }, target }, options);
      expect([loss, ...data]).toEqual([wanted.loss, ...slopes]);
    });
    test('reductions and upstream', () => {
      const upstream = { data: Float32Array.of(2, -1), shape: [2] };
      const none = bettiMatchingSync(
        { prediction: coarse, target },
        { grads: true, reduction: 'none', upstream },
      );
      const [a, b] = [...(none.perItem as Tensor<'float32'>).dataSync()] as [number, number];
      expect(none.loss).toBeCloseTo(a + b, 5);
      expect(wanted.loss).toBeCloseTo((a + b) / 2, 5);
      const scaled = (none.grads.prediction as Tensor).dataSync() as Float32Array;
      scaled.forEach((slope, i) => {
        expect(slope).toBeCloseTo((i < 42 ? 4 : -2) * (slopes[i] as number), 5);
      });
    });
    test('results are the same for any number of threads, awaited or not', async () => {
      const shapes = [
        [5, 20, 20],
        [2, 8, 9, 10],
      ];
      for (const each of shapes) {
        const inputs = { prediction: field(each), target: field(each, () => Math.round(uniform())) };
        const options = { grads: true, outputs: ['pairs'] } as const;
        setThreads(1);
        const one = bettiMatchingSync(inputs, options);
        setThreads(3);
        const three = await bettiMatching(inputs, options);
        expect(three).toEqual(one);
        expect((three.grads.prediction as Tensor).dataSync()).toEqual(
          (one.grads.prediction as Tensor).dataSync(),
        );
      }
    });
    test('an aborted call rejects with the reason and writes nothing', async () => {
      const big = [1, 48, 48, 48];
      const out = new Float32Array(size(big)).fill(7);
      const stop = new AbortController();
      const call = bettiMatching(
        { prediction: field(big), target: field(big) },
        { grads: true, signal: stop.signal, out: { prediction: { data: out, shape: big } } },
      );
      stop.abort(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
      expect(out.every((value) => value === 7)).toBe(true);
    });
  });

  test.each([
    [() => persistenceSync({ data: new Float32Array(4), shape: [2, 2] }), /\[batch, height, width\] or/],
    [() => persistenceSync(field([1, 2, 2]), { dimensions: [2] }), /Expected dimensions below 2 for field/],
    [
      () => persistenceSync(field([1, 2, 2]), { dimensions: [0.5] }),
      /Expected an integer from 0 to 2 for dimensions\[0\]/,
    ],
    [
      () => persistenceSync(field([1, 2, 2]), { filtration: 'up' as 'sublevel' }),
      /'superlevel' or 'sublevel'/,
    ],
    [
      () => bettiMatchingSync({ prediction: field([1, 2, 2]), target: field([1, 2, 3]) }),
      /Expected shape \[1, 2, 2\] as prediction has/,
    ],
    [
      () =>
        bettiMatchingSync({ prediction: field([1, 2, 2]), target: field([1, 2, 2]) }, { minPersistence: -1 }),
      /minPersistence/,
    ],
    [
      () =>
        bettiMatchingSync({
          prediction: { data: new Uint8Array(4), shape: [1, 2, 2] },
          target: field([1, 2, 2]),
        }),
      /float32, float16 or bfloat16 for prediction/,
    ],
  ])('%s is refused in words', (run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(CutlossError);
  });
});
