// What must hold of cutCrossEntropy whatever the circumstances: equal bits from run to run, for any number of threads,
// alone or among many calls in flight; and an abort that is obeyed at once.

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

test.each(floatDTypes)('20 runs on 1 to 5 threads give the same bits (%s)', (dtype) => {
  const given = inputs(150, 33, 900, dtype);
  for (const options of [{}, { workspaceBytes: 200_000 }, { gradientFilter: 'both' }] as const) {
    const first = bitsOf(cutCrossEntropySync(given, { device: 'cpu', grads: true, ...options }));
    for (let i = 0; i < 20; i++) {
      setThreads(1 + (i % 5));
      expect(bitsOf(cutCrossEntropySync(given, { device: 'cpu', grads: true, ...options }))).toEqual(first);
    }
  }
});

test('64 calls in flight give the bits that each gives alone', async () => {
  const problems = Array.from({ length: 64 }, (_, i) => inputs(40 + i, 20, 500 + 7 * i, 'float32', i));
  const options = { device: 'cpu', grads: true } as const;
  const alone = problems.map((given) => bitsOf(cutCrossEntropySync(given, options)));
  const together = await Promise.all(problems.map((given) => cutCrossEntropy(given, options)));
  expect(together.map(bitsOf)).toEqual(alone);
  // one after another: never more than one workspace
  expect(memory().find(({ device }) => device === 'cpu')?.peakBytes).toBeLessThanOrEqual(2 ** 26);
});

test('a call of many seconds ends within 50 ms of its abort', async () => {
  const given = inputs(4096, 256, 60_000);
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
