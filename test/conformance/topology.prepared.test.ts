// prepareTarget: what a handle promises beside equal results, which every case of topology.test.ts compares.

import {
  bettiMatching,
  bettiMatchingErrorSync,
  bettiMatchingSync,
  PreparedTarget,
  prepareTarget,
  prepareTargetSync,
  setThreads,
  type Tensor,
  tensor,
} from 'cutloss';
import { describe, expect, test } from 'vitest';
import { backend } from '../support/backends.js';
import { random } from '../support/random.js';

const { uniform } = random(31);
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const field = (shape: readonly number[], value: (i: number) => number = uniform) => ({
  data: Float32Array.from({ length: size(shape) }, (_, i) => value(i)),
  shape,
});
const slopesOf = ({ grads }: { grads: { prediction?: Tensor } }) => grads.prediction?.dataSync();

describe.runIf(backend.device === 'cpu')(`a prepared target on ${backend.name}`, () => {
  const shape = [2, 9, 10];
  const [prediction, target] = [field(shape), field(shape)];

  test('says what it is', () => {
    const prepared = prepareTargetSync(target, { filtration: 'sublevel', dimensions: [1, 1] });
    expect(prepared).toMatchObject({ shape, filtration: 'sublevel', border: 'open', dimensions: [1] });
    expect(prepared.byteLength).toBeGreaterThan(8 * 180);
    expect(prepared.byteLength).toBeLessThan(4 * 180 + 2 * 4 * (6 * 90 + 32));
    expect(() => new (PreparedTarget as unknown as new (a: number) => unknown)(1)).toThrow(
      /prepareTarget\(\)/,
    );
  });

  test('holds a copy: the target may change', async () => {
    const mine = { data: target.data.slice(), shape };
    const pending = prepareTarget(mine);
    mine.data.fill(0.5);
    const prepared = await pending;
    const options = { grads: true, outputs: ['representatives'] } as const;
    const wanted = bettiMatchingSync({ prediction, target }, options);
    const found = await bettiMatching({ prediction, target: prepared }, options);
    expect(found).toEqual(wanted);
    expect(slopesOf(found)).toEqual(slopesOf(wanted));
  });

  test.each([
    [
      'another shape',
      {},
      field([2, 10, 9]),
      {},
      'ERR_CUTLOSS_SHAPE',
      /Expected shape \[2, 10, 9\] as prediction has for target/,
    ],
    ['fewer items', {}, field([1, 9, 10]), {}, 'ERR_CUTLOSS_SHAPE', /\[1, 9, 10\]/],
    [
      'another filtration',
      { filtration: 'sublevel' },
      prediction,
      {},
      'ERR_CUTLOSS_OPTION',
      /Expected filtration 'sublevel', for which the target was prepared, but received 'superlevel'/,
    ],
    [
      'another border',
      {},
      prediction,
      { border: 'closed' },
      'ERR_CUTLOSS_OPTION',
      /Expected border 'open', for/,
    ],
    [
      'other dimensions',
      {},
      prediction,
      { dimensions: [0] },
      'ERR_CUTLOSS_OPTION',
      /Expected dimensions \[0, 1\], for which the target was prepared, but received \[0\]/,
    ],
  ] as const)('is refused for %s', async (_, preparedFor, other, options, code, message) => {
    const prepared = prepareTargetSync(target, preparedFor);
    const inputs = { prediction: other, target: prepared };
    const refusal = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => bettiMatchingSync(inputs, options)).toThrow(refusal);
    await expect(bettiMatching(inputs, options)).rejects.toThrow(refusal);
  });

  test('takes the options that say nothing of the target', () => {
    const prepared = prepareTargetSync(target);
    for (const options of [
      { minPersistence: 0.3 },
      { activation: 'sigmoid' },
      { unmatched: { prediction: 'oneZero', target: 'ignore' } },
      { reduction: 'sum', upstream: 3 },
    ] as const) {
      const found = bettiMatchingSync({ prediction, target: prepared }, { ...options, grads: true });
      const wanted = bettiMatchingSync({ prediction, target }, { ...options, grads: true });
      expect(found).toEqual(wanted);
      expect(slopesOf(found)).toEqual(slopesOf(wanted));
    }
  });

  test('once disposed is gone, but not for a call under way', async () => {
    const prepared = prepareTargetSync(target);
    const call = bettiMatching({ prediction, target: prepared });
    prepared.dispose();
    prepared[Symbol.dispose]();
    expect(prepared.disposed).toBe(true);
    expect((await call).loss).toBe(bettiMatchingSync({ prediction, target }).loss);
    expect(() => bettiMatchingSync({ prediction, target: prepared })).toThrow(
      expect.objectContaining({ code: 'ERR_CUTLOSS_DISPOSED' }),
    );
  });

  test('is no tensor, and nothing else is a prepared target', () => {
    const prepared = prepareTargetSync(target);
    const refused = (run: () => unknown) =>
      expect(run).toThrow(expect.objectContaining({ code: expect.stringMatching(/DTYPE|OPTION/) }));
    refused(() => bettiMatchingSync({ prediction: prepared as never, target }));
    refused(() => bettiMatchingErrorSync({ prediction, target: prepared as never }));
    refused(() => bettiMatchingSync({ prediction, target: structuredClone(prepared) as never }));
    refused(() => bettiMatchingSync({ prediction, target: new Proxy(prepared, {}) }));
    refused(() => bettiMatchingSync({ prediction, target: Object.create(prepared) as never }));
    refused(() => prepareTargetSync(prepared as never));
    refused(() => prepareTargetSync(target, { grads: true } as never));
  });

  test('NaN, emptiness and an aborted signal are what they are everywhere', async () => {
    expect(() => prepareTargetSync(field([1, 2, 2], (i) => (i === 3 ? NaN : 1)))).toThrow(
      /for target but received NaN at voxel 3 of item 0/,
    );
    for (const empty of [field([0, 3, 3]), field([2, 0, 3]), field([1, 2, 0, 3])]) {
      const prepared = prepareTargetSync(empty, { border: 'closed' });
      expect(bettiMatchingSync({ prediction: empty, target: prepared }, { border: 'closed' }).loss).toBe(0);
    }
    await expect(prepareTarget(target, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });

  test('of a field whose scratch memory is large, which is kept and used again, is the target', () => {
    for (const each of [
      [1, 300, 301],
      [1, 31, 50, 51],
    ]) {
      const [noise, mask] = [field(each), field(each, () => Number(uniform() < 0.5))];
      const options = { grads: true } as const;
      const wanted = bettiMatchingSync({ prediction: noise, target: mask }, options);
      for (let round = 0; round < 2; round++) {
        const found = bettiMatchingSync({ prediction: noise, target: prepareTargetSync(mask) }, options);
        expect(found.loss).toBe(wanted.loss);
        expect(slopesOf(found)).toEqual(slopesOf(wanted));
      }
    }
  });

  test('serves 64 calls at once, with the same bits', async () => {
    for (const each of [
      [1, 40, 41],
      [1, 9, 10, 11],
    ]) {
      setThreads(3);
      const mask = field(each, () => Number(uniform() < 0.5));
      const prepared = await prepareTarget(tensor(mask.data, each));
      const predictions = Array.from({ length: 8 }, () => field(each));
      const wanted = predictions.map((one) =>
        bettiMatchingSync({ prediction: one, target: mask }, { grads: true }),
      );
      const found = await Promise.all(
        Array.from({ length: 64 }, (_, i) =>
          bettiMatching({ prediction: predictions[i % 8] as typeof mask, target: prepared }, { grads: true }),
        ),
      );
      found.forEach((result, i) => {
        expect(result.loss).toBe(wanted[i % 8]?.loss);
        expect(slopesOf(result)).toEqual(slopesOf(wanted[i % 8] as typeof result));
      });
    }
  });
});
