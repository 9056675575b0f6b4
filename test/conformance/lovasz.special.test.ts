// What a table of cases cannot say about lovasz: ties, what is not a number, regions that are sorted in chunks.

import { type LovaszOptions, lovaszSync as lovaszAnywhere, type RegionInputs, type Tensor } from 'cutloss';
import { expect, test } from 'vitest';
import { regionLoss } from '../reference/regions.js';
import { backend } from '../support/backends.js';
import { random } from '../support/random.js';

const values = (tensor: Tensor | undefined): number[] =>
  Array.from((tensor as Tensor).dataSync() as Float32Array);
const lovaszSync = (inputs: RegionInputs, options: LovaszOptions = {}) =>
  lovaszAnywhere(inputs, { device: backend.device, ...options });
const probabilities = { activation: 'none', grads: true } as const;

test('of equal errors the first pixel comes first', () => {
  // errors 1/2 of background, foreground, background, foreground: the Jaccard loss rises from 0 by 1/3, 1/3, 1/12, 1/4
  const predictions = { data: new Float32Array(4).fill(0.5), shape: [1, 4, 1] };
  const targets = { data: Uint8Array.of(0, 1, 0, 1), shape: [1, 4, 1] };
  const { loss, grads } = lovaszSync({ predictions, targets }, probabilities);
  expect(loss).toBeCloseTo(0.5, 15);
  expect(values(grads.predictions)).toEqual([1 / 3, -1 / 3, 1 / 12, -1 / 4].map(Math.fround));
});

test('a prediction without an error has the slope that leads back between 0 and 1', () => {
  const predictions = { data: Float32Array.of(1, 0, 0.25, 0.5), shape: [1, 4, 1] };
  const targets = { data: Uint8Array.of(1, 0, 1, 0), shape: [1, 4, 1] };
  const { grads } = lovaszSync({ predictions, targets }, probabilities);
  expect(values(grads.predictions)).toEqual([-1 / 3, 0, -1 / 2, 1 / 6].map(Math.fround));
});

test('a prediction beyond 1 stays a member of its class, for class ids as for one-hot labels', () => {
  const predictions = { data: Float32Array.of(1.5, -0.5, 0.25, 0.75), shape: [1, 2, 2] };
  const ids = { data: Uint8Array.of(0, 1), shape: [1, 2] };
  const labels = { data: Uint8Array.of(1, 0, 0, 1), shape: [1, 2, 2] };
  const found = lovaszSync({ predictions, targets: ids }, probabilities);
  const again = lovaszSync({ predictions, targets: labels }, probabilities);
  expect(found.loss).toBe(again.loss);
  expect(values(found.grads.predictions)).toEqual(values(again.grads.predictions));
  expect(values(found.grads.predictions)[0]).toBeGreaterThan(0);
});

test('an empty target, where it counts, costs its largest prediction', () => {
  const predictions = { data: Float32Array.of(0.25, 0.75, 0.5), shape: [1, 3, 1] };
  const targets = { data: new Uint8Array(3), shape: [1, 3, 1] };
  const { loss, regions, grads } = lovaszSync({ predictions, targets }, { ...probabilities, classes: 'all' });
  expect([loss, regions]).toEqual([0.75, 1]);
  expect(values(grads.predictions)).toEqual([0, 1, 0]);
  expect(lovaszSync({ predictions, targets }, probabilities)).toMatchObject({ loss: 0, regions: 0 });
});

const [height, width, classes] = [200, 331, 2];
const pixels = height * width; // a region has more than one chunk
const { normal, uniform, below } = random(3);
const logits = Float32Array.from({ length: pixels * classes }, normal);
const ids = Uint8Array.from({ length: pixels }, () => below(classes));
const weights = Float32Array.from({ length: pixels }, uniform);
const large: RegionInputs = {
  predictions: { data: logits, shape: [1, height, width, classes] },
  targets: { data: ids, shape: [1, height, width] },
};

test('regions of several chunks are as the reference says, weighted and not', () => {
  for (const mask of [undefined, weights]) {
    const inputs = mask ? { ...large, mask: { data: mask, shape: [1, height, width] } } : large;
    const { loss, grads } = lovaszSync(inputs, { grads: true });
    const reference = { predictions: logits, batch: 1, classes, targets: ids, ...(mask && { mask }) };
    const exact = regionLoss('lovasz', reference);
    expect(Math.abs(loss - exact.loss)).toBeLessThan(2e-7);
    // of errors that are equal in float32 either may be first: what a swap moves is small, but more than rounding
    const gradient = values(grads.predictions);
    let difference = 0;
    for (let i = 0; i < gradient.length; i++)
      difference += Math.abs((gradient[i] as number) - (exact.gradient[i] as number));
    expect(difference).toBeLessThan(1e-4 * exact.gradient.reduce((a, b) => a + Math.abs(b), 0));
  }
});

test('a NaN reaches its own regions and no others, and nothing where the mask is 0', () => {
  const data = logits.slice();
  data[7] = NaN;
  const sick = { ...large, predictions: { data, shape: [1, height, width, classes] } };
  const sigmoid = { activation: 'sigmoid', grads: true, reduction: 'none' } as const;
  const healthy = lovaszSync(large, sigmoid);
  const found = lovaszSync(sick, sigmoid);
  expect(values(found.perItem)).toEqual([values(healthy.perItem)[0], NaN]);
  const [a, b] = [values(healthy.grads.predictions), values(found.grads.predictions)];
  expect(a.every((x, i) => (i % 2 === 1 ? Number.isNaN(b[i]) : b[i] === x))).toBe(true);
  const mask = { data: Uint8Array.from(ids, (_, i) => (i === 3 ? 0 : 1)), shape: [1, height, width] };
  const masked = lovaszSync({ ...sick, mask }, { grads: true });
  expect(masked.loss).toBeCloseTo(lovaszSync({ ...large, mask }).loss, 7);
  expect(values(masked.grads.predictions).some(Number.isNaN)).toBe(false);
});
