// What the elements of a tensor are, and which typed array stores them. The order of `dtypes` is that of DType in
// engine/view.h: its index is what the binding gets.

import { CutlossError } from './errors.js';
import { copyInto, lengthOf, typedArrayKind } from './memory.js';

export const dtypes = ['float32', 'float16', 'bfloat16', 'int32', 'int64', 'uint8', 'bool'] as const;

export type DType = (typeof dtypes)[number];

/** The runtime's Float16Array, where it has one. */
type RuntimeFloat16Array = typeof globalThis extends {
  Float16Array: abstract new (...values: never) => infer Array;
}
  ? Array
  : never;

/** The memory a tensor may live in: 16-bit floats are stored as bits in a Uint16Array. */
export type TypedArray =
  | Float32Array
  | Uint16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | RuntimeFloat16Array;

/** The typed array in which a tensor of this dtype is stored. */
export type DataOf<D extends DType> = D extends 'float32'
  ? Float32Array
  : D extends 'float16' | 'bfloat16'
    ? Uint16Array
    : D extends 'int64'
      ? BigInt64Array
      : D extends 'int32'
        ? Int32Array
        : Uint8Array;

/** What we hold on the CPU: a Float16Array is held as a Uint16Array over the same bits. */
export type Stored = Float32Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array | Float64Array;

interface Storage {
  /** Its number for the binding. */
  readonly index: number;
  readonly bytes: number;
  readonly floating: boolean;
  /** The name of the typed array. */
  readonly kind: string;
  readonly make: (length: number) => Stored;
}

const float32 = (n: number): Stored => new Float32Array(n);
const uint16 = (n: number): Stored => new Uint16Array(n);
const int32 = (n: number): Stored => new Int32Array(n);
const int64 = (n: number): Stored => new BigInt64Array(n);
const uint8 = (n: number): Stored => new Uint8Array(n);
const float64 = (n: number): Stored => new Float64Array(n);

/** What engines know and no tensor has: sums in double. */
export type EngineDType = DType | 'float64';

const storages: Readonly<Record<EngineDType, Storage>> = {
  float32: { index: 0, bytes: 4, floating: true, kind: 'Float32Array', make: float32 },
  float16: { index: 1, bytes: 2, floating: true, kind: 'Uint16Array', make: uint16 },
  bfloat16: { index: 2, bytes: 2, floating: true, kind: 'Uint16Array', make: uint16 },
  int32: { index: 3, bytes: 4, floating: false, kind: 'Int32Array', make: int32 },
  int64: { index: 4, bytes: 8, floating: false, kind: 'BigInt64Array', make: int64 },
  uint8: { index: 5, bytes: 1, floating: false, kind: 'Uint8Array', make: uint8 },
  bool: { index: 6, bytes: 1, floating: false, kind: 'Uint8Array', make: uint8 },
  float64: { index: 7, bytes: 8, floating: true, kind: 'Float64Array', make: float64 },
};

export function storage(dtype: EngineDType): Storage {
  return storages[dtype];
}

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && (dtypes as readonly string[]).includes(value);
}

/** The dtype a typed array stands for when nothing else is said; a Uint16Array must say which of the two it is. */
export function dtypeOfKind(kind: string | undefined): DType | undefined {
  switch (kind) {
    case 'Float32Array':
      return 'float32';
    case 'Int32Array':
      return 'int32';
    case 'BigInt64Array':
      return 'int64';
    case 'Uint8Array':
      return 'uint8';
    case 'Float16Array':
      return 'float16';
    default:
      return undefined;
  }
}

/** Fresh zeroed memory on the CPU. `what` names it where there is no room for it. */
export function makeStorage(dtype: EngineDType, length: number, what: string): Stored {
  const { bytes, make } = storages[dtype];
  try {
    return make(length);
  } catch (cause) {
    throw new CutlossError(
      'ERR_CUTLOSS_MEMORY',
      `Expected room for ${what} (${length} × ${bytes} bytes) but the allocation failed`,
      { bytes: length * bytes },
      { cause },
    );
  }
}

/** A copy in memory of ours; of a detached array, an empty one. */
export function copyOf(array: Stored): Stored {
  const length = lengthOf(array);
  const kind = typedArrayKind(array);
  const dtype =
    kind === 'Uint16Array'
      ? 'bfloat16'
      : kind === 'Float64Array'
        ? 'float64'
        : (dtypeOfKind(kind) ?? 'uint8');
  const copy = makeStorage(dtype, length, 'a copy of the inputs');
  if (length > 0) copyInto(copy, array);
  return copy;
}
