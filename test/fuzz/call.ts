// A call of crossEntropy as the fuzzer builds it: valid at first, with what the reference needs to judge the answer; the
// mutations of mutations.ts then spoil it, or make it strange but valid.

import { decode, encode, type FloatDType, floatDTypes } from '../support/dtypes.js';
import type { Random } from '../support/random.js';

// What a caller may pass is not what the types say: that is the point.
// biome-ignore lint/suspicious/noExplicitAny: malformed on purpose
export type Anything = any;

export interface Call {
  readonly random: Random;
  readonly rows: number;
  readonly classes: number;
  readonly dtype: FloatDType;
  readonly ids: number[]; // the targets, kept in step with inputs.targets
  readonly ignoreIndex: number;
  inputs: Record<string, Anything>;
  options: Record<string, Anything>;
  args?: Anything[]; // instead of [inputs, options]
  /** Codes with which the call must fail; where empty it must succeed, unless `may` names more. */
  readonly must: Set<string>;
  readonly may: Set<string>;
  /** The row and value that ERR_CUTLOSS_TARGET must name. */
  badTarget?: { row: number; value: number };
  /** Errors of the caller's own that may come through. */
  readonly own: Set<unknown>;
  /** Memory given as `out`. */
  out?: Float32Array | Uint16Array;
  readonly log: string[];
}

export function validCall(random: Random): Call {
  const { below, uniform, normal, pick } = random;
  const rows = pick([0, 1, 2, 3, 5]);
  const classes = pick([1, 2, 3, 7, 9, 17]);
  const dtype = pick(floatDTypes);
  const ignoreIndex = pick([-100, -100, -1, 0, 300]);
  const ids = Array.from({ length: rows }, () => (below(8) === 0 ? ignoreIndex : below(classes)));
  const chance = (percent: number): boolean => below(100) < percent;
  const floats = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => 0.25 + uniform());
  const inputs: Record<string, Anything> = {
    logits: {
      data: encode(
        Float64Array.from({ length: rows * classes }, () => 3 * normal()),
        dtype,
      ),
      shape: [rows, classes],
      dtype,
    },
    targets: { data: Int32Array.from(ids), shape: [rows] },
  };
  if (chance(30)) inputs.weights = { data: floats(rows), shape: [rows] };
  if (chance(30)) inputs.classWeights = { data: floats(classes), shape: [classes] };
  const options: Record<string, Anything> = { device: 'cpu' };
  if (ignoreIndex !== -100) options.ignoreIndex = ignoreIndex;
  if (chance(40)) options.reduction = pick(['mean', 'sum', 'none']);
  const form = below(5);
  if (form === 0) options.labelSmoothing = pick([0, 0.1, 1]);
  if (form === 1)
    options.objective = { kind: pick(['focal', 'poly1', 'meanAbsolute', 'symmetric', 'generalized']) };
  if (chance(20)) options.zLoss = 0.01;
  if (chance(20)) options.softcap = 5;
  if (chance(20)) options.temperature = pick([0.5, 2]);
  if (chance(10)) options.divisor = 3;
  if (chance(20)) options.upstream = pick([0, -2, 0.5]);
  if (chance(60)) options.grads = pick([true, ['logits']]);
  if (chance(30)) options.outputs = ['lse', 'argmax'];
  const call: Call = {
    random,
    rows,
    classes,
    dtype,
    ids,
    ignoreIndex,
    inputs,
    options,
    must: new Set(),
    may: new Set(),
    own: new Set(),
    log: [],
  };
  if (options.grads && chance(40)) {
    call.out = inputs.logits.data.slice().fill(7) as Float32Array;
    options.out = { logits: { data: call.out, shape: [rows, classes], dtype } };
  }
  return call;
}

/** The logits of a view as numbers, taken before the call because the call may write over them. */
export const valuesOf = (call: Call): Float64Array => decode(call.inputs.logits.data, call.dtype);

const intrinsic = (name: 'buffer' | 'byteLength'): ((array: unknown) => Anything) => {
  const getter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name)?.get;
  return (array) => getter?.call(array);
};
const bufferOf = intrinsic('buffer');
const byteLengthOf = intrinsic('byteLength');

/** Whether this is a typed array whose memory can be taken away, whatever it says of itself. */
export const canDetach = (array: Anything): boolean =>
  ArrayBuffer.isView(array) &&
  !(array instanceof DataView) &&
  byteLengthOf(array) > 0 &&
  !(bufferOf(array) instanceof SharedArrayBuffer);

/** Memory that may shrink; not in the types of ES2023 yet. */
export const resizableBuffer = (bytes: number): ArrayBuffer =>
  new (ArrayBuffer as Anything)(bytes, { maxByteLength: bytes + 64 });

/** Takes the memory away. */
export function detach(array: ArrayBufferView): void {
  structuredClone(bufferOf(array), { transfer: [bufferOf(array)] });
}
