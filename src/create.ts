// tensor() and zeros(): tensors from typed arrays (wrapped) or from nested arrays of numbers (copied).

import { type Device, readDevice } from './devices.js';
import { type DType, dtypes, isDType, type Stored, type TypedArray } from './dtype.js';
import { CutlossError } from './errors.js';
import { toBFloat16, toFloat16 } from './float16.js';
import { lengthOf, typedArrayKind } from './memory.js';
import { allocate, isTensor, memoryOf, type Tensor, wrap } from './tensor.js';
import { bracketed, choice, expected, isArray, isObject } from './validate.js';
import { checkMemory, dtypeFor, readShape, sizeOf, stored } from './view.js';

/** A number, or arrays of arrays … of numbers, all of one length at each depth. */
export type NestedNumbers = number | readonly NestedNumbers[];

/**
 * Wraps a typed array without a copy, or copies nested arrays. The shape defaults to that of the values, the dtype to
 * that of the typed array, else float32; a Uint16Array must say whether it holds 'float16' or 'bfloat16'.
 *
 * @example
 * tensor([[1, 2], [3, 4]]);
 * tensor(new Float32Array(4), [2, 2]);
 * tensor(bits, [8], 'bfloat16');
 */
export function tensor(values: Int32Array, shape?: readonly number[]): Tensor<'int32'>;
export function tensor(values: BigInt64Array, shape?: readonly number[]): Tensor<'int64'>;
export function tensor(values: Uint8Array, shape?: readonly number[]): Tensor<'uint8'>;
export function tensor<D extends DType = 'float32'>(
  values: TypedArray | NestedNumbers,
  shape?: readonly number[],
  dtype?: D,
): Tensor<D>;
export function tensor(values: unknown, shape?: unknown, dtype?: unknown): Tensor {
  if (isTensor(values)) {
    const message = 'Expected a typed array, a number or nested arrays for values but received a Tensor';
    throw new CutlossError('ERR_CUTLOSS_DTYPE', message, { name: 'values' });
  }
  const kind = typedArrayKind(values);
  const third = isDType(shape) ? 'the dtype is the third argument' : undefined;
  const given = shape === undefined ? undefined : readShape(shape, 'shape', third);
  if (kind === undefined) return copyNested(values, given, readDType(dtype, 'float32'));

  const type = dtypeFor(kind, dtype, 'values');
  const memory = stored(values as TypedArray, kind);
  const axes = given ?? [lengthOf(memory)];
  const size = sizeOf(axes, 'shape');
  checkMemory(memory, size, axes, 'values');
  return wrap(memory, type, axes, size, -1);
}

/**
 * A tensor of zeros. Default dtype float32, default device 'cpu'.
 *
 * @example zeros([2, 3], 'bfloat16');
 */
export function zeros<D extends DType = 'float32'>(
  shape: readonly number[],
  dtype?: D,
  device?: Device | 'cuda',
): Tensor<D>;
export function zeros(shape: unknown, dtype?: unknown, device: unknown = 'cpu'): Tensor {
  const axes = readShape(shape, 'shape', isDType(shape) ? 'the dtype is the second argument' : undefined);
  const type = readDType(dtype, 'float32');
  const size = sizeOf(axes, 'shape');
  const target = readDevice(device, 'device');
  const host = allocate(type, axes, size, -1, 'zeros');
  return target < 0 ? host : host.toSync(`cuda:${target}`);
}

function readDType(value: unknown, fallback: DType): DType {
  if (value === undefined) return fallback;
  if (isDType(value)) return value;
  throw expected('ERR_CUTLOSS_DTYPE', choice(dtypes), 'dtype', value);
}

function copyNested(values: unknown, shape: readonly number[] | undefined, dtype: DType): Tensor {
  const natural: number[] = [];
  const flat: number[] = [];
  flatten(values, 0, natural, flat, dtype);
  const axes = shape ?? natural;
  const size = sizeOf(axes, 'shape');
  if (size !== flat.length) {
    const message = `Expected ${size} values for the shape ${bracketed(axes)} but received ${flat.length}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message);
  }
  const made = allocate(dtype, axes, size, -1, 'a tensor');
  fill(memoryOf(made) as Stored, flat, dtype);
  return made;
}

/** Depth first; the first branch says how long each depth is. */
function flatten(value: unknown, depth: number, shape: number[], flat: number[], dtype: DType): void {
  if (typeof value === 'number') {
    if (depth !== shape.length) throw ragged(depth, shape, 'a number');
    if (!fits(value, dtype)) {
      throw expected('ERR_CUTLOSS_DTYPE', `a value that ${dtype} can hold`, `element ${flat.length}`, value);
    }
    flat.push(value);
    return;
  }
  if (depth >= 32) throw expected('ERR_CUTLOSS_SHAPE', 'at most 32 axes', 'values', value);
  if (!isArray(value)) {
    const advice = isObject(value)
      ? 'of a tensor of tfjs, tensor(x.dataSync(), x.shape) is one of ours'
      : undefined;
    throw expected('ERR_CUTLOSS_DTYPE', 'a typed array, a number or nested arrays', 'values', value, advice);
  }
  const count = value.length;
  if (depth === shape.length) {
    if (flat.length > 0) throw ragged(depth, shape, 'an array');
    shape.push(count);
  } else if (shape[depth] !== count) {
    throw ragged(depth, shape, `an array of length ${count}`);
  }
  for (let i = 0; i < count; i++) flatten(value[i], depth + 1, shape, flat, dtype);
}

function ragged(depth: number, shape: readonly number[], received: string): CutlossError {
  const what = depth < shape.length ? `an array of length ${shape[depth]}, as the first is,` : 'a number';
  return new CutlossError(
    'ERR_CUTLOSS_SHAPE',
    `Expected ${what} at depth ${depth} of values but received ${received}`,
  );
}

function fits(value: number, dtype: DType): boolean {
  switch (dtype) {
    case 'int32':
      return (value | 0) === value;
    case 'int64':
      return Number.isSafeInteger(value);
    case 'uint8':
      return Number.isInteger(value) && value >= 0 && value <= 255;
    case 'bool':
      return value === 0 || value === 1;
    default:
      return true;
  }
}

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** A float32 beside the number, with an odd last bit if it is not the number itself: rounding once more is then rounding once. */
function toOdd(value: number): number {
  single[0] = value;
  const rounded = single[0] as number;
  if (Object.is(rounded, value) || Number.isNaN(value)) return rounded;
  if (Math.abs(rounded) > Math.abs(value)) bits[0] = (bits[0] as number) - 1;
  bits[0] = (bits[0] as number) | 1;
  return single[0];
}

function fill(memory: Stored, values: readonly number[], dtype: DType): void {
  if (memory instanceof BigInt64Array) {
    for (let i = 0; i < values.length; i++) memory[i] = BigInt(values[i] as number);
  } else if (dtype === 'bfloat16') memory.set(toBFloat16(Float32Array.from(values, toOdd)));
  else if (dtype === 'float16') memory.set(toFloat16(Float32Array.from(values, toOdd)));
  else memory.set(values);
}
