// Reading a TensorLike: a Tensor, or { data, shape, dtype? } over memory the caller owns. Every property is read
// exactly once, because a getter may do anything, and the memory is judged by its intrinsic getters afterwards.

import { cpu } from './devices.js';
import { type DType, dtypeOfKind, dtypes, isDType, type Stored, storage, type TypedArray } from './dtype.js';
import { CutlossError } from './errors.js';
import {
  bufferOf,
  byteOffsetOf,
  detached,
  isDetached,
  isResizable,
  lengthOf,
  typedArrayKind,
} from './memory.js';
import type { Memory } from './native.js';
import { deviceOf, isTensor, memoryOf, type Tensor, wrap } from './tensor.js';
import { bracketed, choice, expected, isArray, isObject, readArray } from './validate.js';

/** Anything a loss takes as a tensor: ours, or a plain view over memory the caller owns (never copied on the CPU). */
export type TensorLike<D extends DType = DType> =
  | Tensor<D>
  | { readonly data: TypedArray; readonly shape: readonly number[]; readonly dtype?: D };

/** A TensorLike that was read and found sound. */
export interface View {
  /** What the caller calls it. */
  readonly name: string;
  readonly memory: Memory;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
  readonly device: number;
  /** The caller's tensor; undefined for a plain view. */
  readonly tensor: Tensor | undefined;
}

export function readView(value: unknown, name: string): View {
  if (isTensor(value)) return viewOfTensor(value, name);
  if (!isObject(value) || typedArrayKind(value) !== undefined || isArray(value)) {
    throw expected('ERR_CUTLOSS_DTYPE', 'a tensor or { data, shape }', name, value);
  }
  const { data, shape: axes, dtype: stated } = value;
  const kind = typedArrayKind(data);
  if (kind === undefined) throw expected('ERR_CUTLOSS_DTYPE', 'a typed array', `${name}.data`, data);
  const dtype = dtypeFor(kind, stated, name);
  const shape = readShape(axes, `${name}.shape`);
  const size = sizeOf(shape, `${name}.shape`);
  const memory = stored(data as TypedArray, kind);
  checkMemory(memory, size, shape, name);
  return { name, memory, dtype, shape, size, device: cpu, tensor: undefined };
}

/** The same memory as a tensor: the caller's own where there is one. */
export function tensorOf(view: View): Tensor {
  return view.tensor ?? wrap(view.memory, view.dtype, view.shape, view.size, view.device);
}

function viewOfTensor(tensor: Tensor, name: string): View {
  const memory = memoryOf(tensor);
  const { dtype, shape, size } = tensor;
  if (memory === undefined) {
    throw new CutlossError(
      'ERR_CUTLOSS_DISPOSED',
      `Expected a live tensor for ${name} but received a disposed one`,
      {
        name,
      },
    );
  }
  const device = deviceOf(tensor);
  if (device === cpu) checkMemory(memory as Stored, size, shape, name);
  return { name, memory, dtype, shape, size, device, tensor };
}

/** The dtype of a typed array, given what the caller says of it. */
export function dtypeFor(kind: string, stated: unknown, name: string): DType {
  if (stated !== undefined && !isDType(stated)) {
    throw expected('ERR_CUTLOSS_DTYPE', choice(dtypes), `the dtype of ${name}`, stated);
  }
  const natural = dtypeOfKind(kind);
  const dtype = stated ?? natural;
  if (dtype === undefined) {
    const hint =
      kind === 'Uint16Array' ? "'float16' or 'bfloat16' as the dtype" : 'an array type that losses take';
    throw new CutlossError('ERR_CUTLOSS_DTYPE', `Expected ${hint} for ${name} but received a bare ${kind}`, {
      name,
    });
  }
  if (storage(dtype).kind === kind || (natural === dtype && kind === 'Float16Array')) return dtype;
  const hint = dtype === 'bfloat16' ? ' (see toBFloat16)' : dtype === 'float16' ? ' (see toFloat16)' : '';
  throw new CutlossError(
    'ERR_CUTLOSS_DTYPE',
    `Expected a ${storage(dtype).kind} for ${name} of dtype ${dtype} but received a ${kind}${hint}`,
    { name },
  );
}

const mostAxes = 32;

export function readShape(value: unknown, name: string): readonly number[] {
  const what = `an array of at most ${mostAxes} axes`;
  const axes = readArray(value, name, what, mostAxes, 'ERR_CUTLOSS_SHAPE');
  for (let i = 0; i < axes.length; i++) {
    const axis = axes[i];
    if (!Number.isSafeInteger(axis) || (axis as number) < 0) {
      throw expected('ERR_CUTLOSS_SHAPE', 'an integer of at least 0', `${name}[${i}]`, axis);
    }
    axes[i] = (axis as number) + 0;
  }
  return axes as number[];
}

/** The product of the axes. */
export function sizeOf(shape: readonly number[], name: string): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  if (Number.isSafeInteger(size)) return size;
  throw new CutlossError(
    'ERR_CUTLOSS_SHAPE',
    `Expected at most 2^53 elements for ${name} but received ${bracketed(shape)}`,
  );
}

/** The array as we hold it: the runtime's Float16Array, which the binding may not know, as its bits. */
export function stored(array: TypedArray, kind: string): Stored {
  if (kind !== 'Float16Array') return array as Stored;
  return new Uint16Array(bufferOf(array) as ArrayBuffer, byteOffsetOf(array), lengthOf(array));
}

/** Refuses memory that is gone, memory that could go, and memory of another length than the shape says. */
export function checkMemory(array: Stored, size: number, shape: readonly number[], name: string): void {
  const length = lengthOf(array);
  if (length === 0 && isDetached(array)) throw detached(name);
  if (isResizable(array)) {
    throw new CutlossError(
      'ERR_CUTLOSS_DETACHED',
      `Expected memory that stays for ${name} but received a view of a resizable ArrayBuffer, which may shrink while a loss reads it`,
      { name },
    );
  }
  if (length !== size) {
    const message = `Expected ${size} elements for ${name} of shape ${bracketed(shape)} but received ${length}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name, expected: size, received: length });
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
