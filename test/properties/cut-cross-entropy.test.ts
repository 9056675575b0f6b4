// What must hold of cutCrossEntropy whatever the circumstances: equal bits from run to run, for any number of threads,
// alone or among many calls in flight; an abort that is obeyed at once; matrices of more elements than 31 bits count. Small
// by default, as large as a training step with CUTLOSS_TEST_FULL=1.

import {
  cutCrossEntropy,
  cutCrossEntropySync,
  devices,
  memory,
  setThreads,
  toBFloat16,
  toFloat16,
} from 'cutloss';
import { afterEach, expect, test } from 'vitest';
import { floatDTypes } from '../support/dtypes.js';
import { random } from '../support/random.js';

const full = process.env.CUTLOSS_TEST_FULL === '1';
const cpuThreads = devices()[0]?.threads ?? 1;
afterEach(() => setThreads(cpuThreads));

function inputs(rows: number, dim: number, classes: number, dtype = 'float32', seed = 3) {
  const { normal, below } = random(seed);
  const fill = (count: number) => {
    const values = Float32Array.from({ length: count }, normal);
    return dtype === 'float32' ? values : dtype === 'bfloat16' ? toBFloat16(values) : toFloat16(values);
  };
  return {
    hidden: { data: fill(rows * dim), shape: [rows, dim], dtype },
    classifier: { data: fill(classes * dim), shape: [classes, dim], dtype },
    targets: { data: Int32Array.from({ length: rows }, () => below(classes)), shape: [rows] },
  } as never;
}

type Found = ReturnType<typeof cutCrossEntropySync>;
const bitsOf = ({ loss, grads }: Found): unknown[] => [
  loss,
  ...[grads.hidden, grads.classifier].map((tensor) => {
    const { buffer } = tensor?.dataSync() ?? new Float32Array();
    return Buffer.from(buffer as ArrayBuffer).toString('base64');
  }),
];

test.each(floatDTypes)('20 runs on 1 to 5 threads give the same bits (%s)', { timeout: 300_000 }, (dtype) => {
  const few = full ? inputs(400, 257, 5000, dtype) : inputs(150, 33, 900, dtype);
  const many = inputs(60, 33, 5000, dtype);
  const sorted = { hidden: true, classifier: true, eps: 1e-3, sortVocabulary: true };
  for (const [given, options] of [
    [few, {}],
    [few, { workspaceBytes: 200_000 }],
    [many, { workspaceBytes: 2 ** 19 }],
    [few, { gradientFilter: 'both' }],
    [few, { gradientFilter: sorted }],
    [few, { gradientFilter: sorted, workspaceBytes: 1 }],
  ] as const) {
    const first = bitsOf(cutCrossEntropySync(given, { device: 'cpu', grads: true, ...options }));
    for (let i = 0; i < 20; i++) {
      setThreads(1 + (i % 5));
      expect(bitsOf(cutCrossEntropySync(given, { device: 'cpu', grads: true, ...options }))).toEqual(first);
    }
  }
});

test('64 calls in flight give the bits that each gives alone', async () => {
  const dim = full ? 300 : 20;
  const problems = Array.from({ length: 64 }, (_, i) => inputs(40 + i, dim, 500 + 7 * i, 'float32', i));
  const options = { device: 'cpu', grads: true } as const;
  const alone = problems.map((given) => bitsOf(cutCrossEntropySync(given, options)));
  const together = await Promise.all(problems.map((given) => cutCrossEntropy(given, options)));
  expect(together.map(bitsOf)).toEqual(alone);
  // one after another: never more than one workspace
  expect(memory().find(({ device }) => device === 'cpu')?.peakBytes).toBeLessThanOrEqual(2 ** 26);
});

test('a call of many seconds ends within 50 ms of its abort', async () => {
  const given = full ? inputs(8192, 1024, 60_000) : inputs(4096, 256, 60_000);
  const controller = new AbortController();
  const call = cutCrossEntropy(given, { device: 'cpu', grads: true, signal: controller.signal });
  const settled = call.then(
    () => 'an answer',
    (error) => error,
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const start = performance.now();
  controller.abort(new Error('enough'));
  expect((await settled).message).toBe('enough');
  expect(performance.now() - start).toBeLessThan(50);
});

test('rows × vocabulary beyond 2³¹: the last row and the last word are where they belong', {
  timeout: 300_000,
}, () => {
  // most rows do not count, and cost no more than their logits
  const [rows, classes] = full ? [40_000, 70_000] : [1, 70_000];
  const hidden = new Float32Array(rows).fill(1);
  const classifier = new Float32Array(classes);
  hidden[rows - 1] = 2;
  classifier[classes - 1] = 3;
  const targets = new Int32Array(rows).fill(-100);
  targets[rows - 1] = classes - 1;
  const { loss, grads, argmax } = cutCrossEntropySync(
    {
      hidden: { data: hidden, shape: [rows, 1] },
      classifier: { data: classifier, shape: [classes, 1] },
      targets: { data: targets, shape: [rows] },
    },
    { device: 'cpu', grads: true, outputs: ['argmax'] },
  );
  const others = classes - 1;
  const p = Math.exp(6) / (Math.exp(6) + others);
  expect(loss).toBeCloseTo(-Math.log(p), 5);
  expect(argmax?.dataSync()[rows - 1]).toBe(classes - 1);
  const [dh, dc] = [grads.hidden?.dataSync(), grads.classifier?.dataSync()] as Float32Array[];
  expect(dh?.[rows - 1]).toBeCloseTo(3 * (p - 1), 5);
  expect(dh?.subarray(0, rows - 1).every((value) => value === 0)).toBe(true);
  expect(dc?.[classes - 1]).toBeCloseTo(2 * (p - 1), 5);
  expect(dc?.[0]).toBeCloseTo((2 * (1 - p)) / others, 9);
});

test('vocabulary × dim beyond 2³¹: the last word is read', { timeout: 300_000 }, () => {
  const [classes, dim] = [full ? 2 ** 20 + 3 : 5, 2049];
  const classifier = new Uint16Array(classes * dim); // 4 GiB of zeros, but for one
  const one = 0x3f80;
  classifier[classes * dim - 1] = one;
  const { loss } = cutCrossEntropySync(
    {
      hidden: { data: new Uint16Array(dim).fill(one), shape: [1, dim], dtype: 'bfloat16' },
      classifier: { data: classifier, shape: [classes, dim], dtype: 'bfloat16' },
      targets: { data: Int32Array.of(classes - 1), shape: [1] },
    },
    { device: 'cpu' },
  );
  expect(loss).toBeCloseTo(Math.log(classes - 1 + Math.E) - 1, 5);
});
