// How a kernel reaches the memory of a backend. Of the cpu backend readSync() gives the very array and write() keeps the
// one it is given, so nothing is copied there; any other backend copies. wasm lends its heap; tensorflow.ts is a third.

import type { TypedArray } from '../dtype.js';
import { CutlossError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { bracketed } from '../validate.js';
import { sizeOf, type TensorLike } from '../view.js';
import type { Backend, TensorInfo } from './tf.js';

export interface BackendMemory {
  /** The tensor as losses take it, until the kernel returns. */
  lend(info: TensorInfo): TensorLike;
  /** Brings a tensor here that another backend holds. Like reserve() it comes before anything is lent, which may move. */
  fetch?(info: TensorInfo): void;
  /** Room for a gradient, where it can be made beforehand. */
  reserve?(shape: readonly number[]): TensorInfo;
  /** What a loss made, as a tensor of the backend. */
  take(tensor: Tensor): TensorInfo;
}

/** The dtypes of tfjs that kernels are called with; others were refused or cast before. */
export type LentDType = 'float32' | 'int32';

/** Backends of tfjs may hold numbers of one dtype in the array of another; what they call it is what they mean. */
export function elementsOf(values: unknown, dtype: string): TypedArray {
  const kind = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  return values instanceof kind ? values : kind.from(values as ArrayLike<number>);
}

export class PlainMemory implements BackendMemory {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  lend({ dataId, shape, dtype }: TensorInfo): TensorLike {
    return { data: elementsOf(this.#backend.readSync(dataId), dtype), shape, dtype: dtype as LentDType };
  }

  take(tensor: Tensor): TensorInfo {
    const { shape, dtype } = tensor;
    return {
      dataId: this.#backend.write(tensor.dataSync(), [...shape], dtype),
      shape: [...shape],
      dtype: dtype as LentDType,
    };
  }
}

/** What is used of the wasm backend. */
interface WasmBackend extends Backend {
  makeOutput(shape: readonly number[], dtype: string): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): TypedArray;
  getMemoryOffset(dataId: object): number;
}

export function isWasm(backend: Backend): backend is WasmBackend {
  return 'makeOutput' in backend && 'typedArrayFromHeap' in backend && 'getMemoryOffset' in backend;
}

export class WasmMemory extends PlainMemory {
  readonly #backend: WasmBackend;

  constructor(backend: WasmBackend) {
    super(backend);
    this.#backend = backend;
  }

  override lend(info: TensorInfo): TensorLike {
    return {
      data: this.#backend.typedArrayFromHeap(info),
      shape: info.shape,
      dtype: info.dtype as LentDType,
    };
  }

  fetch({ dataId }: TensorInfo): void {
    this.#backend.getMemoryOffset(dataId);
  }

  reserve(shape: readonly number[]): TensorInfo {
    const room = this.#backend.makeOutput([...shape], 'float32');
    // The heap's malloc() answers 0 where there is no room, and tfjs would take that for an address.
    if (sizeOf(shape, 'a gradient') === 0 || this.#backend.getMemoryOffset(room.dataId) !== 0) return room;
    throw new CutlossError(
      'ERR_CUTLOSS_MEMORY',
      `Expected room for a gradient of ${bracketed(shape)} on the wasm heap but there is none`,
    );
  }
}
