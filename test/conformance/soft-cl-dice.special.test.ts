// What a table of cases cannot say about softClDice: what is not a number, images that have no skeleton, any number of
// threads.

import { type RegionInputs, setThreads, softClDiceSync, type Tensor } from 'cutloss';
import { expect, test } from 'vitest';
import { backend } from '../support/backends.js';
import { random } from '../support/random.js';

const { normal, below } = random(8);
const shape = [3, 12, 14, 2];
const pixels = 3 * 12 * 14;
const logits = Float32Array.from({ length: 2 * pixels }, normal);
const ids = Uint8Array.from({ length: pixels }, () => below(2));
const inputsOf = (data: Float32Array): RegionInputs => ({
  predictions: { data, shape },
  targets: { data: ids, shape: shape.slice(0, -1) },
});
const values = (tensor: Tensor | undefined): number[] =>
  Array.from((tensor as Tensor).dataSync() as Float32Array);

test.each(['softmax', 'sigmoid'] as const)(
  'a NaN reaches its own regions and no others (%s)',
  (activation) => {
    const sick = logits.slice();
    sick[2 * 200 + 1] = NaN; // image 1, class 1
    const options = { activation, device: backend.device, grads: true, reduction: 'none' } as const;
    const [a, b] = [logits, sick].map((data) => softClDiceSync(inputsOf(data), options));
    const own = (region: number): boolean =>
      Math.floor(region / 2) === 1 && (activation === 'softmax' || region % 2 === 1);
    const [healthy, found] = [values(a?.perItem), values(b?.perItem)];
    expect(found).toEqual(healthy.map((value, region) => (own(region) ? NaN : value)));
    const [g, h] = [values(a?.grads.predictions), values(b?.grads.predictions)];
    const regionOf = (i: number): number => 2 * Math.floor(i / (2 * 12 * 14)) + (i % 2);
    expect(g.every((value, i) => (own(regionOf(i)) ? Number.isNaN(h[i]) : h[i] === value))).toBe(true);
  },
);

test('the bits are the same for any number of threads', () => {
  const run = (threads: number) => {
    setThreads(threads);
    const { loss, grads } = softClDiceSync(inputsOf(logits), {
      weight: 0.5,
      over: 'all',
      device: backend.device,
      grads: true,
    });
    return [loss, ...values(grads.predictions)];
  };
  expect(run(3)).toEqual(run(1));
});

test('images have two or three axes', () => {
  const flat = { data: new Float32Array(8), shape: [1, 4, 2] };
  const refusal = expect.objectContaining({ code: 'ERR_CUTLOSS_SHAPE' });
  expect(() => softClDiceSync({ predictions: flat, targets: flat })).toThrow(refusal);
});
