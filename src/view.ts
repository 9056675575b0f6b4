// Reading a TensorLike: a Tensor, or { data, shape, dtype? } over memory the caller owns. Every property is read
// exactly once, because a getter may do anything, and the memory is judged by its intrinsic getters afterwards.

import { types } from 'node:util';
import { cpu } from './devices.js';
import {
  copyOf,
  type DType,
  dtypeOfKind,
  dtypes,
  isDType,
  type Stored,
  storage,
  type TypedArray,
} from './dtype.js';
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
import {
  bracketed,
  choice,
  either,
  expected,
  isArray,
  isObject,
  readArray,
  withArticle,
} from './validate.js';

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

/** `advice` is what to say where there is no shape. */
export function readView(value: unknown, name: string, advice?: string): View {
  if (isTensor(value)) return viewOfTensor(value, name);
  if (!isObject(value) || typedArrayKind(value) !== undefined || isArray(value))
    throw noView(value, name, advice);
  const { data, shape: axes, dtype: stated } = value;
  const kind = typedArrayKind(data);
  if (kind === undefined) throw noData(value, data, name);
  const dtype = dtypeFor(kind, stated, name);
  const shape = readShape(axes, `${name}.shape`, advice);
  const size = sizeOf(shape, `${name}.shape`);
  const memory = stored(data as TypedArray, kind);
  checkMemory(memory, size, shape, name);
  return { name, memory, dtype, shape, size, device: cpu, tensor: undefined };
}

function noView(value: unknown, name: string, advice: string | undefined): CutlossError {
  const what = 'a tensor or { data, shape }';
  const kind = typedArrayKind(value);
  if (kind === undefined) {
    const made = isArray(value)
      ? 'tensor(values) makes a float32 tensor of it, tensor(new Int32Array(values)) class ids'
      : undefined;
    return expected('ERR_CUTLOSS_DTYPE', what, name, value, made);
  }
  const message = `Expected ${what} for ${name} but received ${withArticle(kind)} without a shape`;
  return new CutlossError('ERR_CUTLOSS_DTYPE', advice === undefined ? message : `${message}: ${advice}`, {
    name,
  });
}

function noData(value: Record<string, unknown>, data: unknown, name: string): CutlossError {
  if (data === undefined && 'size' in value && 'device' in value) {
    return new CutlossError(
      'ERR_CUTLOSS_DTYPE',
      `Expected a tensor or { data, shape } for ${name} but received what is left of one: a Tensor loses its memory when it is cloned; send { data, shape, dtype } instead`,
      { name },
    );
  }
  if (data === undefined && 'filtration' in value && 'byteLength' in value) {
    return new CutlossError(
      'ERR_CUTLOSS_DTYPE',
      `Expected a tensor or { data, shape } for ${name} but received a prepared target, which bettiMatching() alone takes, as its target`,
      { name },
    );
  }
  const advice = types.isPromise(value)
    ? 'it is a Promise, to be awaited'
    : typeof data === 'function'
      ? "tensors of tfjs go to the losses of bind(tf), from 'cutloss/tfjs'; of any other tensor give { data: x.dataSync(), shape: x.shape }"
      : isArray(data)
        ? 'tensor(values) makes a tensor of arrays of numbers'
        : undefined;
  if (data === undefined && !('shape' in value) && advice === undefined)
    return expected('ERR_CUTLOSS_DTYPE', 'a tensor or { data, shape }', name, value, 'it has no data');
  return expected('ERR_CUTLOSS_DTYPE', 'a typed array', `${name}.data`, data, advice);
}

/** The view over a copy of its memory, for what must not change from one pass to the next. */
export function snapshot(view: View): View {
  if (view.device !== cpu)
    return { ...view, memory: tensorOf(view).dataSync() as Stored, tensor: undefined, device: cpu };
  return { ...view, memory: copyOf(view.memory as Stored), tensor: undefined };
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
    const message =
      kind === 'Uint16Array'
        ? `Expected 'float16' or 'bfloat16' as the dtype for ${name} but received a Uint16Array without a dtype: Int32Array.from(x) if these are whole numbers`
        : `Expected ${takenKinds()} for ${name} but received ${withArticle(kind)}${conversion(kind, nearestKinds[kind])}`;
    throw new CutlossError('ERR_CUTLOSS_DTYPE', message, { name });
  }
  const wanted = storage(dtype).kind;
  if (wanted === kind || (natural === dtype && kind === 'Float16Array')) return dtype;
  const hint =
    dtype === 'bfloat16'
      ? ' (see toBFloat16)'
      : dtype === 'float16'
        ? ' (see toFloat16)'
        : conversion(kind, wanted);
  throw new CutlossError(
    'ERR_CUTLOSS_DTYPE',
    `Expected ${withArticle(wanted)} for ${name} of dtype ${dtype} but received ${withArticle(kind)}${hint}`,
    { name },
  );
}

function takenKinds(): string {
  const kinds = ['Float32Array', 'Uint16Array', 'Int32Array', 'BigInt64Array', 'Uint8Array'];
  return withArticle(either('Float16Array' in globalThis ? [...kinds, 'Float16Array'] : kinds));
}

/** What holds the values of an array that losses do not take. */
const nearestKinds: Readonly<Record<string, string>> = {
  Float64Array: 'Float32Array',
  Int8Array: 'Int32Array',
  Int16Array: 'Int32Array',
  Uint32Array: 'Int32Array',
  Uint8ClampedArray: 'Uint8Array',
  BigUint64Array: 'BigInt64Array',
};

/** How to turn one kind of array into another; nothing where the elements may be bits. */
function conversion(from: string, to: string | undefined): string {
  if (to === undefined || from === 'Uint16Array') return '';
  const isBig = (kind: string): boolean => kind.startsWith('Big');
  const map = isBig(from) === isBig(to) ? '' : isBig(to) ? ', BigInt' : ', Number';
  return `: ${to}.from(x${map}) converts it`;
}

const mostAxes = 32;

export function readShape(value: unknown, name: string, advice?: string): readonly number[] {
  if (!isArray(value)) {
    const what = 'a shape, the lengths of the axes as in [2, 3],';
    throw expected('ERR_CUTLOSS_SHAPE', what, name, value, advice);
  }
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
  if (shape.includes(0)) return 0;
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
