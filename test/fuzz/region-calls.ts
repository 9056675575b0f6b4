// Random calls of the losses of regions, many of them malformed: shapes, labels, masks, weights and options. Each ends in
// the right CutlossError or in an answer; nothing beside the gradient is written, and nothing at all by a call that
// fails. argv: as for malformed-calls.ts.

import { openSync, writeSync } from 'node:fs';
import * as cutloss from 'cutloss';
import { type Random, random } from '../support/random.js';
import type { Anything } from './call.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const tally: Record<string, number> = {};

const guard = 40; // elements before and behind a gradient, which nobody may write
const losses = [
  'dice',
  'jaccard',
  'tversky',
  'generalizedDice',
  'selfAdjustingDice',
  'anyLoss',
  'asymmetric',
  'lovasz',
  'softClDice',
  'skeletonRecall',
  'regionMoments',
  'regionLoss',
];
/** Of the columns of moments. */
const { names } = cutloss.regionMomentsSync({
  predictions: cutloss.tensor(new Float32Array(1), [1, 1]),
  targets: cutloss.tensor(new Int32Array(1), [1]),
});
const product = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
const strangeNumbers = [0, -0, 1, -1, 1e-45, 3.4e38, -3.4e38, 88, 1000, NaN, Infinity, -Infinity];

interface Call {
  name: string;
  /** What a call has before its inputs. */
  first: Anything[];
  inputs: Record<string, Anything>;
  options: Record<string, Anything>;
  /** What the call must fail with, where that is known. */
  must?: string;
  memory?: Anything;
}

/** A view that begins anywhere in its buffer. */
function viewOf(source: Random, kind: Anything, length: number): Anything {
  const before = source.below(18);
  return new kind(
    new ArrayBuffer((before + length) * kind.BYTES_PER_ELEMENT),
    before * kind.BYTES_PER_ELEMENT,
    length,
  );
}

function filled(view: Anything, value: (i: number) => number | bigint): Anything {
  for (let i = 0; i < view.length; i++) view[i] = value(i);
  return view;
}

function makeCall(source: Random): Call {
  const batch = source.pick([0, 1, 1, 2, 3]);
  const classes = source.pick([1, 1, 2, 3, 4, 5, 7, 8, 19, 33, 64, 512]);
  const space = Array.from({ length: source.pick([0, 1, 2, 2, 3]) }, () =>
    source.pick([0, 1, 2, 3, 5, 16, 17]),
  );
  const channelsFirst = source.below(2) === 0;
  const leading = [batch, ...space];
  const shape = channelsFirst ? [batch, classes, ...space] : [...leading, classes];
  const pixels = product(leading);
  const odd = source.below(3) === 0;
  const number = () => (odd && source.below(4) === 0 ? source.pick(strangeNumbers) : 4 * source.normal());

  const dtype = source.pick(['float32', 'float16', 'bfloat16']);
  const predictions = filled(viewOf(source, Float32Array, product(shape)), number);
  const stored =
    dtype === 'float32'
      ? predictions
      : dtype === 'float16'
        ? cutloss.toFloat16(predictions)
        : cutloss.toBFloat16(predictions);
  const call: Call = {
    name: source.pick(losses),
    first: [],
    inputs: { predictions: cutloss.tensor(stored, shape, dtype as Anything) },
    options: { layout: channelsFirst ? 'channelsFirst' : 'channelsLast' },
  };
  const { inputs, options } = call;

  const ignored = source.pick([undefined, undefined, 0, 1, 255, -100, 2 ** 31]);
  if (ignored !== undefined) options.ignoreIndex = ignored;
  const soft = ignored === undefined && source.below(3) === 0;
  if (soft) {
    const kind = source.pick<Anything>([Float32Array, Uint8Array]);
    const label = kind === Float32Array ? number : () => source.below(2);
    inputs.targets = { data: filled(viewOf(source, kind, product(shape)), label), shape };
  } else {
    const kind = source.pick<Anything>([Int32Array, Uint8Array, BigInt64Array]);
    const stray =
      source.below(3) === 0 ? source.pick([classes, -1, 2 ** 31 - 1, -(2 ** 31), 254]) : undefined;
    const ids = filled(viewOf(source, kind, pixels), () => {
      const id =
        stray !== undefined && source.below(20) === 0
          ? stray
          : ignored !== undefined && source.below(5) === 0
            ? ignored
            : source.below(classes);
      return kind === BigInt64Array ? BigInt(id) : id;
    });
    const isBad = (id: number) => (id < 0 || id >= classes) && id !== ignored;
    if (ids.some((id: number | bigint) => isBad(Number(id)))) call.must = 'ERR_CUTLOSS_TARGET';
    inputs.targets = { data: ids, shape: leading };
  }
  if (source.below(2) === 0) {
    const kind = source.pick<Anything>([Float32Array, Uint8Array]);
    const weight = source.pick([
      () => 0,
      () => source.below(2),
      kind === Float32Array ? number : () => source.below(256),
    ]);
    inputs.mask = { data: filled(viewOf(source, kind, pixels), weight), shape: leading };
  }
  if (source.below(3) === 0) {
    inputs.classWeights = { data: filled(viewOf(source, Float32Array, classes), number), shape: [classes] };
  }
  if (call.name !== 'asymmetric') {
    options.activation = source.pick(['softmax', 'sigmoid', 'none']);
    if (source.below(2) === 0) options.over = source.pick(['imageClass', 'class', 'image', 'all']);
    if (source.below(4) === 0) options.background = false;
    if (source.below(4) === 0) options.squared = true;
    if (source.below(4) === 0) options.absent = source.pick(['count', 'zero', 'drop']);
    if (source.below(4) === 0) options.smooth = source.pick([0, 1, 1e-5]);
    if (options.activation !== 'none') {
      if (source.below(4) === 0) options.crossEntropy = source.uniform();
      if (source.below(4) === 0) options.focal = { weight: 1, gamma: source.pick([0, 0.5, 2, 3]) };
    }
  }
  if (call.name === 'lovasz') options.classes = source.pick(['present', 'all']);
  if (call.name === 'softClDice') {
    options.iterations = source.pick([0, 1, 3, 9]);
    options.weight = source.uniform();
  }
  if (call.name === 'skeletonRecall') options.tube = source.pick([0, 1, 2, 30, 1000]);
  if (call.name === 'regionLoss') giveMoments(source, call, { batch, classes });
  if (call.name !== 'regionMoments' && source.below(3) > 0) {
    options.grads = true;
    if (dtype === 'float32' && source.below(2) === 0) {
      const begin = guard + source.below(17);
      call.memory = new Float32Array(begin + product(shape) + guard).fill(7);
      options.out = { predictions: { data: call.memory.subarray(begin, begin + product(shape)), shape } };
    }
  }
  if (spoil(source, call, { shape, leading, classes })) delete call.must;
  return call;
}

/** Moments of another machine: of as many regions as there are, or of as many as there are not. */
function giveMoments(
  source: Random,
  call: Call,
  { batch, classes }: { batch: number; classes: number },
): void {
  const kind = source.pick(['dice', 'jaccard', 'tversky', 'generalizedDice']);
  const { over, background } = call.options;
  const across = over === 'image' || over === 'all' || (over === undefined && kind === 'generalizedDice');
  const images = over === 'class' || over === 'all' ? 1 : batch;
  const byClass = !across || kind === 'generalizedDice' || call.inputs.classWeights !== undefined;
  const rows = images * (byClass ? classes - (background === false ? 1 : 0) : 1);
  const given = source.below(4) === 0 ? source.pick([0, 1, rows + 1, 3 * rows]) : rows;
  if (given !== rows) call.must ??= 'ERR_CUTLOSS_SHAPE';
  const number = source.below(4) === 0 ? () => source.pick(strangeNumbers) : () => 9 * source.uniform();
  const values = filled(viewOf(source, Float64Array, given * names.length), number);
  call.first = [kind, { names: source.below(50) === 0 ? names.slice(1) : names, values }];
}

/** Now and then, what no call may be given. */
function spoil(
  source: Random,
  { inputs, options }: Call,
  { shape, leading, classes }: { shape: number[]; leading: number[]; classes: number },
): boolean {
  if (source.below(3) > 0) return false;
  const wrongShape = source.pick([
    [],
    [0],
    [1],
    [2 ** 31],
    [2 ** 53],
    [...shape, 1],
    [...leading, 2],
    [-1],
    [1.5],
  ]);
  const wrong = source.pick<Anything>([
    null,
    3,
    'x',
    new Float32Array(3),
    { data: new Uint16Array(2), shape: [2] },
  ]);
  const harm: (() => void)[] = [
    () => Object.assign(inputs.targets, { shape: wrongShape }),
    () => Object.assign(inputs, { mask: { data: new Float32Array(source.below(70)), shape: wrongShape } }),
    () => Object.assign(inputs, { mask: { data: new Float32Array(source.below(70)), shape: leading } }),
    () =>
      Object.assign(inputs, { classWeights: { data: new Float32Array(source.below(9)), shape: [classes] } }),
    () => Object.assign(inputs, { classWeights: wrong }),
    () => Object.assign(inputs, { predictions: wrong }),
    () => Object.assign(inputs, { targets: wrong }),
    () => Object.assign(inputs, { mask: wrong }),
    () =>
      Object.assign(options, {
        layout: options.layout === 'channelsLast' ? 'channelsFirst' : 'channelsLast',
      }),
    () => Object.assign(options, { ignoreIndex: source.pick<Anything>([NaN, 0.5, 'x', 2 ** 63, 1n]) }),
    () => Object.assign(options, { smooth: source.pick<Anything>([-1, NaN, {}, 'x']) }),
    () =>
      Object.assign(options, {
        [source.pick(['exponent', 'crossEntropy'])]: source.pick<Anything>([NaN, -1, {}]),
      }),
    () => Object.assign(options, { out: { predictions: wrong } }),
    () => Object.assign(options, { reduction: source.pick(['none', 'sum', 'x']) }),
  ];
  source.pick(harm)();
  return true;
}

function judge(call: Call): string | undefined {
  const { first, inputs, options, memory } = call;
  try {
    const result = (cutloss as Anything)[`${call.name}Sync`](...first, inputs, options);
    tally.answers = (tally.answers ?? 0) + 1;
    if (call.must) return `an answer where it must fail with ${call.must}`;
    const gradient = result.grads?.predictions;
    if (gradient && gradient.shape.join() !== inputs.predictions.shape.join())
      return 'a gradient of another shape';
    if (!memory) return undefined;
    const { byteOffset, length } = options.out.predictions.data;
    const begin = byteOffset / 4;
    return memory.every((value: number, i: number) => value === 7 || (i >= begin && i < begin + length))
      ? undefined
      : 'memory beside the gradient was written';
  } catch (error) {
    if (!(error instanceof cutloss.CutlossError)) return `no CutlossError: ${(error as Error)?.stack}`;
    tally[error.code] = (tally[error.code] ?? 0) + 1;
    if (/INTERNAL|LOAD|CUDA|MEMORY/.test(error.code)) return `${error.code}: ${error.message}`;
    if (memory && !memory.every((value: number) => value === 7))
      return `written, although it failed: ${error.message}`;
    return undefined;
  }
}

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const call = makeCall(random(seed));
  const verdict = judge(call);
  if (verdict === undefined) continue;
  console.log(`seed ${seed}, ${call.name}: ${verdict}`);
  console.log(...call.first, call.inputs, call.options);
  process.exit(71);
}
console.log(JSON.stringify(tally));
