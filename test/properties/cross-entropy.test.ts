// What must hold of crossEntropy whatever the numbers are: symmetries of the mathematics within the tolerance of two
// answers, and equal bits wherever nothing but the circumstances differ. FC_RUNS sets how many problems each tries, FC_SEED which.

import { crossEntropy, crossEntropySync, devices, type RowOptions, setThreads } from 'cutloss';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { judge } from '../conformance/tolerance.js';
import { decode, halfUlp, roundTo } from '../support/dtypes.js';
import { random } from '../support/random.js';
import { bitsOf, bytes } from './bits.js';
import { anyOptions, inputsOf, type Problem, problems } from './problems.js';

type Options = RowOptions & { grads?: boolean; out?: object };
const numRuns = Number(process.env.FC_RUNS ?? 60);
const seed = Number(process.env.FC_SEED ?? 20);
const outputs = ['logProb', 'lse', 'entropy', 'argmax'] as const;
const cpuThreads = devices()[0]?.threads ?? 1;

/** Checks the property and names the seed of a failure. */
function check(
  arbitrary: fc.Arbitrary<Problem>,
  property: (problem: Problem) => void | Promise<void>,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(arbitrary, async (problem) => property(problem)),
    { numRuns, seed },
  ) as Promise<void>;
}

const everything = (options: Problem['options']): Options =>
  ({ device: 'cpu', ...options, grads: true, outputs }) as Options;

afterEach(() => setThreads(cpuThreads));

test('permuting the classes permutes the gradient and changes nothing else', () =>
  check(problems(anyOptions, false), (problem) => {
    const { rows, classes, dtype } = problem;
    const inputs = inputsOf(problem);
    const source = random(problem.seed + 1);
    const order = Array.from({ length: classes }, (_, j) => j);
    for (let j = classes - 1; j > 0; j--) {
      const k = source.below(j + 1);
      [order[j], order[k]] = [order[k] as number, order[j] as number];
    }
    const place = new Map(order.map((from, to) => [from, to]));
    const moved = inputs.logits.data.slice();
    for (let i = 0; i < rows; i++) {
      for (const [to, from] of order.entries()) {
        moved[i * classes + to] = inputs.logits.data[i * classes + from] as number;
      }
    }
    const plain = crossEntropySync(inputs, everything(problem.options));
    const permuted = crossEntropySync(
      {
        logits: { ...inputs.logits, data: moved },
        targets: { ...inputs.targets, data: inputs.targets.data.map((id) => place.get(id) ?? id) },
      },
      everything(problem.options),
    );
    const gradient = decode(plain.grads.logits?.dataSync() as Float32Array, dtype);
    const expected = gradient.map(
      (_, at) => gradient[at - (at % classes) + (order[at % classes] as number)] as number,
    );
    const verdict = judge(decode(permuted.grads.logits?.dataSync() as Float32Array, dtype), expected, dtype);
    expect(verdict.tensor, verdict.worst).toBeLessThanOrEqual(2); // each is within 1 of the exact answer
    expect(permuted.loss).toBeCloseTo(plain.loss, 4);
    expect(permuted.rows).toBe(plain.rows);
  }));

test('adding a constant to every logit of a row changes no gradient and no loss', () =>
  check(
    problems(fc.constantFrom({}, { labelSmoothing: 0.1 }, { objective: { kind: 'focal' } })),
    (problem) => {
      const inputs = inputsOf({ ...problem, dtype: 'float32' });
      // multiples of 2^-8 below 2^10: the sum is exact in float32
      const grid = inputs.logits.data.map((value) => Math.round(value * 256) / 256);
      const lifted = grid.map((value, at) => value + 2 ** (Math.floor(at / problem.classes) % 9));
      const before = crossEntropySync(
        { ...inputs, logits: { ...inputs.logits, data: grid } },
        everything(problem.options),
      );
      const after = crossEntropySync(
        { ...inputs, logits: { ...inputs.logits, data: lifted } },
        everything(problem.options),
      );
      const wanted = before.grads.logits?.dataSync() as Float32Array;
      const verdict = judge(after.grads.logits?.dataSync() as Float32Array, wanted, 'float32');
      expect(verdict.tensor, verdict.worst).toBeLessThanOrEqual(2);
      expect(Math.abs(after.loss - before.loss)).toBeLessThanOrEqual(
        8 * halfUlp(Math.max(before.loss, 1), 'float32'),
      );
    },
  ));

test('a batch split in two gives the same items, bit for bit, and losses that add up', () =>
  check(problems(anyOptions), (problem) => {
    const { rows, classes } = problem;
    const inputs = inputsOf(problem);
    const cut = Math.floor(rows / 2);
    const part = (from: number, to: number) => ({
      ...inputs,
      logits: {
        ...inputs.logits,
        data: inputs.logits.data.slice(from * classes, to * classes),
        shape: [to - from, classes],
      },
      targets: { data: inputs.targets.data.slice(from, to), shape: [to - from] },
      ...(inputs.weights && { weights: { data: inputs.weights.data.slice(from, to), shape: [to - from] } }),
    });
    const options = everything({ ...problem.options, reduction: 'none' });
    const whole = bitsOf(crossEntropySync(inputs, options));
    const halves = [part(0, cut), part(cut, rows)].map((half) => crossEntropySync(half, options));
    const [first, second] = halves.map(bitsOf);
    for (const name of ['gradient', 'perItem', 'logProb', 'lse', 'entropy', 'argmax']) {
      expect(`${first?.[name]}${second?.[name]}` === whole[name], name).toBe(true);
    }
    expect(Number(first?.rows) + Number(second?.rows)).toBe(whole.rows);
  }));

test('the gradient of plain cross-entropy sums to zero over each row', () =>
  check(problems(fc.constantFrom({}, { reduction: 'sum' }, { labelSmoothing: 0.3 }), false), (problem) => {
    const { rows, classes, dtype } = problem;
    const { grads } = crossEntropySync(inputsOf(problem), everything(problem.options));
    const gradient = decode(grads.logits?.dataSync() as Float32Array, dtype);
    for (let i = 0; i < rows; i++) {
      const row = gradient.subarray(i * classes, (i + 1) * classes);
      const sum = row.reduce((a, b) => a + b, 0);
      const allowed = row.reduce((a, b) => a + 4 * halfUlp(b, dtype), 2 ** -126 * classes);
      expect(Math.abs(sum), `row ${i}`).toBeLessThanOrEqual(allowed);
    }
  }));

test('leading dimensions only shape the result', () =>
  check(problems(anyOptions), (problem) => {
    const inputs = inputsOf({ ...problem, rows: 12 });
    const shaped = {
      ...inputs,
      logits: { ...inputs.logits, shape: [2, 3, 2, problem.classes] },
      targets: { ...inputs.targets, shape: [2, 3, 2] },
      ...(inputs.weights && { weights: { ...inputs.weights, shape: [2, 3, 2] } }),
    };
    const flat = crossEntropySync(inputs, everything(problem.options));
    const deep = crossEntropySync(shaped, everything(problem.options));
    expect(bitsOf(deep)).toEqual(bitsOf(flat));
    expect(deep.grads.logits?.shape).toEqual([2, 3, 2, problem.classes]);
    expect(deep.lse?.shape).toEqual([2, 3, 2]);
  }));

test('the asynchronous call gives the same bits as the synchronous one', () =>
  check(problems(anyOptions), async (problem) => {
    const inputs = inputsOf(problem);
    const options = everything(problem.options);
    const [one, two] = await Promise.all([crossEntropy(inputs, options), crossEntropy(inputs, options)]);
    const sync = bitsOf(crossEntropySync(inputs, options));
    expect(bitsOf(one)).toEqual(sync);
    expect(bitsOf(two)).toEqual(sync);
  }));

test('runs and numbers of threads change no bit', () =>
  check(problems(anyOptions), (problem) => {
    const inputs = inputsOf({ ...problem, rows: 4 * problem.rows });
    const seen = [1, 1, 2, 3, 8].map((threads) => {
      setThreads(threads);
      return bitsOf(crossEntropySync(inputs, everything(problem.options)));
    });
    for (const bits of seen) expect(bits).toEqual(seen[0]);
  }));

test('runs and numbers of threads change no bit of a problem that keeps every thread busy', () => {
  const problem: Problem = {
    rows: 600,
    classes: 5003,
    dtype: 'float32',
    seed: 5,
    scale: 3,
    weighted: true,
    options: {},
  };
  const inputs = inputsOf(problem);
  const seen = [1, 2, 2, 5, 16].map((threads) => {
    setThreads(threads);
    return bitsOf(crossEntropySync(inputs, everything({ labelSmoothing: 0.1 })));
  });
  for (const bits of seen) expect(bits).toEqual(seen[0]);
});

test('a gradient written into `out`, or over the logits themselves, has the bits of a fresh one', () =>
  check(problems(anyOptions), (problem) => {
    const inputs = inputsOf(problem);
    const options = everything(problem.options);
    const fresh = bitsOf(crossEntropySync(inputs, options));
    const memory = inputs.logits.data.slice().fill(7);
    const out = crossEntropySync(inputs, {
      ...options,
      out: { logits: { ...inputs.logits, data: memory } },
    } as Options);
    expect(bitsOf(out)).toEqual(fresh);
    expect(bytes(memory)).toBe(fresh.gradient);
    const inPlace = { ...inputs.logits, data: inputs.logits.data.slice() };
    const over = crossEntropySync({ ...inputs, logits: inPlace }, {
      ...options,
      out: { logits: inPlace },
    } as Options);
    expect(bitsOf(over)).toEqual(fresh);
    expect(bytes(inPlace.data)).toBe(fresh.gradient);
  }));

test('the loss of a row is never negative and never NaN', () =>
  check(problems(fc.constant({ reduction: 'none' })), (problem) => {
    const { perItem } = crossEntropySync(inputsOf(problem), everything(problem.options));
    for (const item of perItem?.dataSync() ?? [-1]) expect(item).toBeGreaterThanOrEqual(0);
    expect(roundTo(perItem?.dataSync()[0] ?? Number.NaN, 'float32')).not.toBeNaN();
  }));
