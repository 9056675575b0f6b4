// Random calls of cutCrossEntropy, most of them spoiled at one or two places: at any input, any option, any axis. A call
// that nothing spoiled gives the reference's answer, any other a CutlossError whose code says what is wrong, with `out`
// untouched. argv: as for malformed-calls.ts.

import { openSync, writeSync } from 'node:fs';
import { CutlossError, cutCrossEntropy, cutCrossEntropySync, tensor } from 'cutloss';
import { cutCrossEntropy as reference } from '../reference/cut-cross-entropy.js';
import { decode, encode, floatDTypes } from '../support/dtypes.js';
import { type Random, random } from '../support/random.js';
import { badOptions, junk, unknownOptions } from './bad-values.js';
import { type Anything, detach } from './call.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const tally: Record<string, number> = {};

const bad: Record<string, Anything[]> = {
  ...badOptions,
  grads: ['hidden', 1, null, ['targets'], ['logits'], [1], {}],
  out: [null, 1, 'x', { hidden: null }, { logits: 1 }, { targets: 1 }],
  gradientFilter: [
    'all',
    '',
    1,
    null,
    [],
    { eps: -1 },
    { eps: 2 },
    { eps: NaN },
    { eps: '1' },
    { epsilon: 0.1 },
    { hidden: 'yes' },
    { classifier: 1 },
    { sortVocabulary: null },
  ],
  workspaceBytes: [...(badOptions.workspaceBytes as Anything[]), 0, 0.5],
};

function validCall({ below, normal, uniform, pick }: Random) {
  const [rows, dim, classes] = [pick([0, 1, 2, 5]), pick([1, 2, 5, 17]), pick([1, 2, 7, 100])];
  const dtype = pick(floatDTypes);
  const chance = (percent: number): boolean => below(100) < percent;
  const values = (size: number): Anything => encode(Float64Array.from({ length: size }, normal), dtype);
  const floats = (size: number): Float32Array => Float32Array.from({ length: size }, () => 0.25 + uniform());
  const ids = Int32Array.from({ length: rows }, () => (chance(20) ? -100 : below(classes)));
  const inputs: Record<string, Anything> = {
    hidden: { data: values(rows * dim), shape: [rows, dim], dtype },
    classifier: { data: values(classes * dim), shape: [classes, dim], dtype },
    targets: { data: ids, shape: [rows] },
    ...(chance(40) && { bias: { data: values(classes), shape: [classes], dtype } }),
    ...(chance(30) && { weights: { data: floats(rows), shape: [rows] } }),
    ...(chance(30) && { classWeights: { data: floats(classes), shape: [classes] } }),
  };
  const grads = pick([undefined, true, ['hidden'], ['classifier', 'hidden']]);
  const options: Record<string, Anything> = {
    device: 'cpu',
    ...(chance(40) && { reduction: pick(['mean', 'sum', 'none']) }),
    ...(chance(20) && { labelSmoothing: pick([0.1, 1]) }),
    ...(chance(20) && { zLoss: 0.01 }),
    ...(chance(20) && { softcap: 5 }),
    ...(chance(20) && { temperature: pick([0.5, 2]) }),
    ...(chance(30) && { workspaceBytes: pick([1, 2 ** 20]) }),
    ...(chance(30) && { gradientFilter: pick(['none', 'hidden', 'both', { eps: 0, sortVocabulary: true }]) }),
    ...(chance(30) && { outputs: ['lse', 'argmax', 'entropy', 'logProb'] }),
    ...(grads && { grads }),
  };
  const out = values(rows * dim).fill(7);
  if (grads && chance(30)) options.out = { hidden: { data: out, shape: [rows, dim], dtype } };
  return { rows, dim, classes, dtype, inputs, options, out: options.out && out };
}
type Call = ReturnType<typeof validCall>;

/** One of the inputs that still is a plain view, and its name. */
function anyView({ inputs }: Call, { pick }: Random): [string, Anything] | undefined {
  const plain = Object.entries(inputs).filter(
    ([, view]) => view && Object.getPrototypeOf(view) === Object.prototype && ArrayBuffer.isView(view.data),
  );
  return plain.length > 0 ? pick(plain) : undefined;
}

/** Each spoils a call and returns the code it must fail with, or undefined where there was nothing to spoil. */
const harms: ((call: Call, source: Random) => string | undefined)[] = [
  ({ options }, { pick }) => {
    const name = pick(Object.keys(bad));
    options[name] = pick(bad[name] as Anything[]);
    return 'OPTION';
  },
  ({ options }, { pick }) => {
    options[pick([...unknownOptions, 'classifer', 'gradientfilter', 'workspacebytes'])] = 1;
    return 'OPTION';
  },
  ({ inputs }, { pick }) => {
    inputs[pick(Object.keys(inputs))] = pick(junk());
    return 'DTYPE';
  },
  ({ inputs }, { pick }) => {
    delete inputs[pick(['hidden', 'classifier', 'targets'])];
    return 'OPTION';
  },
  ({ inputs }, { pick }) => {
    inputs[pick(['logits', 'Hidden', 'target', 'biases'])] = inputs.hidden;
    return 'OPTION';
  },
  (call, source) => {
    const [, view] = anyView(call, source) ?? [];
    if (!view || view.shape.length === 0) return undefined;
    const axis = source.below(view.shape.length);
    view.shape = view.shape.with(axis, view.shape[axis] + source.pick([1, -2, 0.5, 2 ** 40]));
    return 'SHAPE';
  },
  (call, source) => {
    const [, view] = anyView(call, source) ?? [];
    if (!view || view.shape.length === 0) return undefined; // [1, 2] could be right again
    view.shape = source.pick([[], [...view.shape, 1, 2], [...view.shape, 3], [-1], ['2'], [NaN]]);
    return 'SHAPE';
  },
  (call, source) => {
    const [, view] = anyView(call, source) ?? [];
    if (!view) return undefined;
    view.dtype = source.pick(['float64', 'FLOAT32', 1, null, 'bool']);
    return 'DTYPE';
  },
  ({ inputs, rows, classes }, { pick, below }) => {
    if (rows === 0 || !(inputs.targets?.data instanceof Int32Array)) return undefined;
    inputs.targets.data[below(rows)] = pick([classes, -1, -101, 2 ** 31 - 1, -(2 ** 31)]);
    return 'TARGET';
  },
  (call, source) => {
    const [, view] = anyView(call, source) ?? [];
    if (!view || view.data.byteLength === 0) return undefined;
    detach(view.data);
    return 'DETACHED';
  },
  (call, source) => {
    const [name, view] = anyView(call, source) ?? [];
    if (!name || view.data.byteLength === 0) return undefined;
    const { length } = view.data;
    call.inputs[name] = tensor(
      view.data,
      [length],
      view.data instanceof Uint16Array ? call.dtype : undefined,
    );
    call.inputs[name].dispose();
    return 'DISPOSED';
  },
];

function wrongAnswer(
  { inputs, options, dtype, dim, classes, rows }: Call,
  found: Anything,
): string | undefined {
  const numbers = (name: string) => inputs[name] && decode(inputs[name].data, dtype);
  const { objective: _, ...rest } = options;
  const exact = reference(
    {
      hidden: numbers('hidden') as Float64Array,
      classifier: numbers('classifier') as Float64Array,
      bias: numbers('bias'),
      dim,
      classes,
      targets: inputs.targets.data,
      weights: inputs.weights?.data,
      classWeights: inputs.classWeights?.data,
    },
    { ...rest, time: rows },
  );
  const close = (a: number, b: number, size: number) => Math.abs(a - b) <= 1e-2 * size + 1e-6;
  if (!close(found.loss, exact.loss, 1e-3 * (1 + exact.lossMagnitude)))
    return `loss ${found.loss}, not ${exact.loss}`;
  if (found.rows !== exact.rows) return `${found.rows} rows`;
  const asked =
    options.grads === true ? ['hidden', 'classifier', ...(inputs.bias ? ['bias'] : [])] : options.grads;
  if (`${Object.keys(found.grads).sort()}` !== `${[...(asked ?? [])].sort()}`)
    return 'other gradients than asked for';
  const largest = (values: ArrayLike<number> = []) =>
    Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const total = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + Math.abs(value), 0);
  const factors: Record<string, ArrayLike<number> | undefined> = {
    hidden: numbers('classifier'),
    classifier: numbers('hidden'),
    bias: [1],
  };
  for (const name of asked ?? []) {
    const wanted = exact[`${name}Gradient` as 'hiddenGradient'];
    const size = total(exact.gradient) * largest(factors[name]); // what may cancel
    const got = decode(found.grads[name].dataSync(), dtype);
    if (!got.every((value, i) => close(value, wanted[i] as number, size))) return `gradient of ${name}`;
  }
  return undefined;
}

async function judge(
  call: Call,
  codes: readonly string[],
  asynchronous: boolean,
): Promise<string | undefined> {
  let found: Anything;
  try {
    const run: Anything = asynchronous ? cutCrossEntropy : cutCrossEntropySync;
    found = await run(call.inputs, call.options);
  } catch (error) {
    if (!(error instanceof CutlossError)) return `no CutlossError: ${(error as Error)?.stack ?? error}`;
    tally[error.code] = (tally[error.code] ?? 0) + 1;
    if (codes.length === 0) return `an error although nothing is wrong: ${error.message}`;
    const known = /^ERR_CUTLOSS_(SHAPE|DTYPE|OPTION|TARGET|DETACHED|DISPOSED|DEVICE)$/.test(error.code);
    if (!known || error.message.length < 10) return `${error.code}: ${error.message}`;
    if (codes.length === 1 && codes[0] === 'TARGET' && error.code !== 'ERR_CUTLOSS_TARGET')
      return `${error.code} for a wrong target`;
    return call.out?.every((value: number) => value === 7) === false ? 'out was written' : undefined;
  }
  tally.answers = (tally.answers ?? 0) + 1;
  return codes.length > 0 ? `an answer where ${codes} is wrong` : wrongAnswer(call, found);
}

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const source = random(seed);
  const call = validCall(source);
  const codes: string[] = [];
  for (let n = source.pick([0, 1, 1, 1, 2]); n > 0; n--) {
    const code = source.pick(harms)(call, source);
    if (code) codes.push(code);
  }
  const verdict = await judge(call, codes, source.below(10) === 0);
  if (verdict === undefined) continue;
  console.log(`seed ${seed} (${codes}): ${verdict}`);
  console.log(call);
  process.exit(71);
}
console.log(JSON.stringify(tally));
