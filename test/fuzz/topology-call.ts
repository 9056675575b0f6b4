// Calls of the functions of topology as their fuzzer makes them: fields of hostile values, sound at first and what the
// reference takes; then spoiled by one of `spoilers`, which says with which codes the call must fail.

import { prepareTargetSync, tensor } from 'cutloss';
import { decode, encode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import type { Random } from '../support/random.js';
import { junk, notNumbers } from './bad-values.js';
import { type Anything, detach, resizableBuffer } from './call.js';

export const entries = [
  'persistence',
  'bettiNumbers',
  'bettiMatching',
  'bettiMatchingError',
  'bettiNumberError',
  'prepareTarget',
] as const;
type Entry = (typeof entries)[number];

/** A field and its values as the engine reads them. */
interface Given {
  value: Anything;
  readonly numbers: Float64Array;
  readonly dtype: string;
}

export interface TopologyCall {
  readonly random: Random;
  readonly entry: Entry;
  readonly shape: readonly number[];
  /** One field, or prediction and target. */
  readonly fields: Given[];
  options: Record<string, Anything>;
  /** Options that are not the target's own. */
  readonly must: Set<string>;
  /** Memory given as `out`, filled with sevens. */
  out?: Float32Array | Uint16Array;
}

const denormal = 2 ** -149;
const values: Readonly<Record<string, (random: Random) => number>> = {
  uniform: ({ uniform }) => uniform(),
  few: ({ below }) => below(3) / 2,
  constant: () => 0.5,
  infinite: ({ pick, uniform }) => pick([Infinity, -Infinity, uniform(), 0, -0]),
  denormal: ({ pick, below }) => pick([1, -1]) * below(4) * denormal,
  huge: ({ pick, uniform }) => pick([3e38, -3e38, 1e30, uniform()]),
};

export const pairOf = ({ entry }: TopologyCall): boolean =>
  !['persistence', 'bettiNumbers', 'prepareTarget'].includes(entry);
export const viewOf = (call: TopologyCall, data: Anything, dtype?: string): Anything => ({
  data,
  shape: [...call.shape],
  ...(dtype && { dtype }),
});

export function validCall(random: Random): TopologyCall {
  const { below, pick } = random;
  const entry = pick(entries);
  const extents = pick([
    () => [1 + below(6), 1 + below(6)],
    () => [1 + below(3), 1 + below(3), 1 + below(3)],
    () => [1, 1 + below(9)],
    () => [1 + below(9), 1],
    () =>
      pick([
        [0, 4],
        [3, 0],
        [2, 0, 2],
        [1, 1],
        [1, 1, 1],
        [1, 1, 7],
      ]),
  ])();
  const shape = [pick([1, 1, 1, 2, 0]), ...extents];
  const options: Record<string, Anything> = {};
  const call: TopologyCall = { random, entry, shape, fields: [], options, must: new Set() };
  for (let n = pairOf(call) ? 2 : 1; n > 0; n--) {
    const floating = call.fields.length === 0 && entry === 'bettiMatching';
    call.fields.push(givenField(call, pick(floating ? floatDTypes : allDTypes)));
  }
  const chance = (percent: number): boolean => below(100) < percent;
  if (chance(40)) options.filtration = pick(['superlevel', 'sublevel']);
  if (chance(40)) options.border = pick(['open', 'closed']);
  if (chance(30)) options.dimensions = pick([[0], [1], [1, 0, 1], []]);
  if (/Error|Numbers/.test(entry) && chance(50)) options.threshold = pick([0.5, 0, -1, 0.25]);
  if (entry === 'bettiMatching') addMatchingOptions(call, chance);
  return call;
}

const allDTypes = [...floatDTypes, 'int32', 'int64', 'uint8', 'bool'] as const;

function givenField(call: TopologyCall, dtype: (typeof allDTypes)[number]): Given {
  const { random, shape } = call;
  const length = shape.reduce((a, b) => a * b, 1);
  const make = values[random.pick(Object.keys(values))] as (random: Random) => number;
  if ((floatDTypes as readonly string[]).includes(dtype)) {
    const data = encode(
      Float64Array.from({ length }, () => make(random)),
      dtype as FloatDType,
    );
    const value = viewOf(call, data, dtype);
    return { value, numbers: decode(data, dtype as FloatDType), dtype };
  }
  const kinds = { int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array, bool: Uint8Array };
  const most = dtype === 'int64' ? 2 ** 62 : dtype === 'int32' ? 2 ** 30 : 200;
  const numbers = Float64Array.from({ length }, () =>
    dtype === 'bool' ? random.below(2) : random.pick([0, 1, 1, 3, most]),
  );
  const data = Array.from(numbers, (number) => (dtype === 'int64' ? BigInt(number) : number));
  return {
    value: viewOf(call, (kinds[dtype as keyof typeof kinds] as Anything).from(data), dtype),
    numbers,
    dtype,
  };
}

function addMatchingOptions(call: TopologyCall, chance: (percent: number) => boolean): void {
  const { options, random } = call;
  const [prediction] = call.fields as [Given];
  if (chance(20)) options.minPersistence = random.pick([0, 0.25, 1e30]);
  if (chance(30)) options.unmatched = { prediction: random.pick(['diagonal', 'oneZero', 'ignore']) };
  if (chance(30)) options.reduction = random.pick(['mean', 'sum', 'none']);
  if (chance(30)) options.outputs = random.pick([['pairs'], ['representatives'], []]);
  if (!chance(60)) return;
  options.grads = true;
  if (!chance(50)) return;
  const out = prediction.value.data.slice().fill(7) as Float32Array;
  call.out = out;
  options.out = { prediction: viewOf(call, out, prediction.dtype) };
}

/** The options that prepareTarget() shares with a call. */
export const ofTarget = ({ filtration, border, dimensions }: Record<string, Anything>) => ({
  ...(filtration && { filtration }),
  ...(border && { border }),
  ...(dimensions && { dimensions }),
});

type Spoiler = (call: TopologyCall) => readonly string[] | undefined;
const some = (call: TopologyCall): Given => call.random.pick(call.fields);
const target = (call: TopologyCall): Given => call.fields.at(-1) as Given;
const anyOf = ['DTYPE', 'SHAPE', 'OPTION'];
const anyOption = [...anyOf, 'DEVICE'];

/** Each returns the codes with which the call must fail, and undefined where there is nothing for it to spoil. */
export const spoilers: Readonly<Record<string, Spoiler>> = {
  nan(call) {
    const given = some(call);
    if (given.numbers.length === 0 || !(floatDTypes as readonly string[]).includes(given.dtype))
      return undefined;
    const at = call.random.below(given.numbers.length);
    given.value.data[at] = { float32: NaN, float16: 0x7e01, bfloat16: 0xffff }[given.dtype as FloatDType];
    return ['OPTION'];
  },
  junkField(call) {
    some(call).value = call.random.pick(junk());
    return anyOf;
  },
  junkInputs(call) {
    if (!pairOf(call)) return undefined;
    Object.assign(call, { args: [call.random.pick(junk()), call.options] });
    return anyOf;
  },
  wrongAxes(call) {
    const given = some(call);
    given.value.shape = call.random.pick([
      [],
      [given.numbers.length],
      [1, given.numbers.length],
      Array(33).fill(1),
      [1, 1, 1, 1, given.numbers.length],
    ]);
    return ['SHAPE'];
  },
  impossibleShape(call) {
    const axes = [1, 2 ** 31, -1, 0.5, NaN, 2 ** 53, 1e300, '3', null];
    const shape = [1, call.random.pick(axes.slice(1)), call.random.pick(axes)];
    some(call).value.shape = shape;
    return ['SHAPE'];
  },
  hugeClaim(call) {
    some(call).value.shape = call.random.pick([
      [1, 2 ** 20, 2 ** 20],
      [2 ** 40, 1, 1],
      [1, 2 ** 16, 2 ** 16, 2 ** 16],
    ]);
    return ['SHAPE'];
  },
  wrongLength(call) {
    const given = some(call);
    const { data } = given.value;
    given.value.data = new data.constructor(data.length + 1);
    return ['SHAPE'];
  },
  otherShape(call) {
    if (!pairOf(call)) return undefined;
    target(call).value.shape = [...call.shape.slice(0, -1), (call.shape.at(-1) as number) + 1];
    const { data } = target(call).value;
    target(call).value.data = new data.constructor(
      target(call).value.shape.reduce((a: number, b: number) => a * b, 1),
    );
    return target(call).value.data.length === data.length && data.length > 0 ? undefined : ['SHAPE'];
  },
  wrongKind(call) {
    some(call).value = viewOf(call, new Float64Array(some(call).numbers.length));
    return ['DTYPE'];
  },
  wrongDType(call) {
    some(call).value.dtype = call.random.pick(['float64', '', 3, 'Float32', Symbol('s')]);
    return ['DTYPE'];
  },
  integerPrediction(call) {
    if (call.entry !== 'bettiMatching') return undefined;
    (call.fields[0] as Given).value = viewOf(call, new Int32Array((call.fields[0] as Given).numbers.length));
    return ['DTYPE'];
  },
  detached(call) {
    const given = some(call);
    if (given.numbers.length === 0) return undefined;
    detach(given.value.data);
    return ['DETACHED'];
  },
  detachedOut(call) {
    if (!call.out?.length) return undefined;
    detach(call.out);
    return ['DETACHED'];
  },
  resizable(call) {
    const given = some(call);
    const { data } = given.value;
    given.value.data = new data.constructor(resizableBuffer(data.byteLength));
    return ['DETACHED'];
  },
  disposed(call) {
    const given = some(call);
    const { data, shape, dtype } = given.value;
    given.value = tensor(data, shape, dtype);
    given.value.dispose();
    return ['DISPOSED'];
  },
  overlappingOut(call) {
    const [prediction] = call.fields as [Given];
    const { data } = prediction.value;
    if (!call.out || data.length < 1) return undefined;
    const both = new data.constructor(data.length + 1);
    both.set(data);
    prediction.value.data = both.subarray(0, data.length);
    call.options.out = { prediction: viewOf(call, both.subarray(1), prediction.dtype) };
    call.out = both.subarray(data.length).fill(7);
    return data.length > 1 ? ['OPTION'] : undefined;
  },
  wrongOut(call) {
    if (!call.options.grads) return undefined;
    call.options.out = call.random.pick([
      { prediction: viewOf(call, new Int32Array(4)) },
      { target: viewOf(call, new Float32Array(4)) },
      { prediction: { data: new Float32Array(5), shape: [5] } },
      { prediction: null },
      7,
    ]);
    return anyOf;
  },
  badOption(call) {
    const bad: Record<string, Anything[]> = {
      filtration: ['up', '', 1, null, 'Sublevel', {}],
      border: ['shut', true, null, 0],
      dimensions: [
        [3],
        [-1],
        [0.5],
        ['0'],
        1,
        null,
        'x',
        Array(17).fill(0),
        [NaN],
        [[0]],
        call.shape.length === 3 ? [2] : [3],
      ],
      ...(call.entry === 'prepareTarget'
        ? { grads: [true], threshold: [0.5] }
        : { device: ['gpu', 'cuda:-1', 0, null] }),
      ...(/Error|Numbers/.test(call.entry) && { threshold: notNumbers }),
      ...(call.entry === 'bettiMatching' && {
        activation: ['tanh', null, 1],
        unmatched: ['diagonal', null, 3, { prediction: 'x' }, { both: 'count' }, { target: 0 }],
        minPersistence: [...notNumbers, -1],
        outputs: ['pairs', ['bars'], [1], null],
        reduction: ['avg', 1, null],
        grads: ['prediction', ['target'], 1],
        upstream: notNumbers,
      }),
    };
    const name = call.random.pick(Object.keys(bad));
    call.options[name] = call.random.pick(bad[name] as Anything[]);
    return anyOption;
  },
  unknownOption(call) {
    call.options[call.random.pick(['Filtration', 'dimension', 'treshold', 'persistence', '0'])] = 1;
    return ['OPTION'];
  },
  preparedOtherwise(call) {
    const given = target(call);
    if (call.entry !== 'bettiMatching') return undefined;
    const { filtration = 'superlevel' } = call.options;
    given.value = prepareTargetSync(given.value, {
      ...ofTarget(call.options),
      filtration: filtration === 'superlevel' ? 'sublevel' : 'superlevel',
    });
    return ['OPTION'];
  },
  preparedAndGone(call) {
    const given = target(call);
    if (call.entry !== 'bettiMatching') return undefined;
    given.value = prepareTargetSync(given.value, ofTarget(call.options));
    given.value.dispose();
    return ['DISPOSED'];
  },
};
