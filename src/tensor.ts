// A tensor: an immutable description (dtype, shape, device) of memory on the CPU or a GPU. The memory is private, so
// that the description cannot be made to lie about it; the four functions before the class are how the rest of the
// library reaches it. On the CPU a tensor only refers to a typed array; on a GPU it owns a handle, freed by dispose().

/// <reference lib="esnext.disposable" preserve="true" />

import { type Device, deviceName, elsewhere, gpuTensors, readDevice } from './devices.js';
import { type DataOf, type DType, makeStorage, type Stored, storage } from './dtype.js';
import { CutlossError, nativeError } from './errors.js';
import { fromBFloat16, fromFloat16 } from './float16.js';
import { LentMemory } from './lent-memory.js';
import { detached, isDetached, lengthOf } from './memory.js';
import { type DeviceMemory, isFailure, type Memory, native } from './native.js';
import { bracketed } from './validate.js';

const construct = Symbol('construct');

// A device handle whose tensor was collected instead of disposed; the native finalizer would free it as well, later.
const forgotten = new FinalizationRegistry<{ memory: DeviceMemory; device: number }>(releaseHandle);

function releaseHandle(held: { memory: DeviceMemory; device: number }): void {
  native().release(held.memory);
  gpuTensors[held.device] = (gpuTensors[held.device] ?? 0) - 1;
}

/** Whether this is a tensor of ours; a Proxy of one is not. */
export let isTensor: (value: unknown) => value is Tensor;
/** The tensor's memory; undefined once disposed. */
export let memoryOf: (tensor: Tensor) => Memory | undefined;
/** The tensor's device by number. */
export let deviceOf: (tensor: Tensor) => number;
/** Gives a tensor on a GPU other memory of the same size, and frees what it had. */
export let replaceMemory: (tensor: Tensor, memory: DeviceMemory) => void;

/**
 * An n-dimensional array with a dtype, on a device. Made by tensor(), zeros() and every loss.
 *
 * @example
 * const t = tensor([[1, 2], [3, 4]]);
 * t.shape;       // [2, 2]
 * t.dataSync();  // Float32Array [1, 2, 3, 4], the memory itself
 */
export class Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly device: Device;
  /** Elements. */
  readonly size: number;
  #memory: Memory | undefined;
  readonly #index: number;

  /** @internal */
  constructor(key: symbol, memory: Memory, dtype: D, shape: readonly number[], size: number, device: number) {
    if (key !== construct) {
      throw new CutlossError(
        'ERR_CUTLOSS_OPTION',
        'Expected tensor() or zeros() to make a Tensor, not new Tensor()',
      );
    }
    this.dtype = dtype;
    this.shape = Object.freeze(shape);
    this.device = deviceName(device);
    this.size = size;
    this.#memory = memory;
    this.#index = device;
    Object.freeze(this);
    if (device >= 0) this.#hold(memory);
  }

  get byteLength(): number {
    return this.size * storage(this.dtype).bytes;
  }

  get disposed(): boolean {
    return this.#memory === undefined;
  }

  /** The elements: on the CPU the memory itself, never a copy; from a GPU a copy. */
  data(): Promise<DataOf<D>> {
    try {
      return Promise.resolve(this.dataSync());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** data(), blocking. */
  dataSync(): DataOf<D> {
    const memory = this.#alive();
    if (memory instanceof LentMemory) return memory.lender?.read(memory) as DataOf<D>;
    if (this.#index < 0) {
      const array = memory as Stored;
      if (this.size > 0 && lengthOf(array) === 0 && isDetached(array)) throw detached('this tensor');
      return array as DataOf<D>;
    }
    const copy = makeStorage(this.dtype, this.size, 'a copy of a tensor');
    const failure = native().download(copy, memory as DeviceMemory);
    if (failure) throw nativeError(failure);
    return copy as DataOf<D>;
  }

  /** The only element, as a number. */
  item(): number {
    if (this.size !== 1) {
      const message = `Expected one element for item() but received a tensor of ${bracketed(this.shape)}`;
      throw new CutlossError('ERR_CUTLOSS_SHAPE', message);
    }
    const data: Stored = this.dataSync();
    if (this.dtype === 'float16') return fromFloat16(data as Uint16Array)[0] as number;
    if (this.dtype === 'bfloat16') return fromBFloat16(data as Uint16Array)[0] as number;
    return Number(data[0]);
  }

  /** The tensor on another device; this tensor itself where it is there already. */
  to(device: Device | 'cuda'): Promise<Tensor<D>> {
    try {
      return Promise.resolve(this.toSync(device));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** to(), blocking. */
  toSync(device: Device | 'cuda'): Tensor<D> {
    const target = readDevice(device, 'device');
    const memory = this.#alive();
    if (target === this.#index) return this;
    const data = this.#index < 0 ? (memory as Stored) : this.dataSync();
    if (target < 0) return wrap(data, this.dtype, this.shape, this.size, target);
    const moved = allocate(this.dtype, this.shape, this.size, target, 'a tensor');
    const failure = native().upload(moved.#memory as DeviceMemory, data);
    if (!failure) return moved;
    moved.dispose();
    throw nativeError(failure);
  }

  /** Lets go of the memory: freed at once on a GPU (when the jobs that use it end), left to the collector on the CPU. */
  dispose(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    if (memory === undefined || this.#index < 0) return;
    forgotten.unregister(this);
    releaseHandle({ memory, device: this.#index });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #hold(memory: DeviceMemory): void {
    gpuTensors[this.#index] = (gpuTensors[this.#index] ?? 0) + 1;
    forgotten.register(this, { memory, device: this.#index }, this);
  }

  #alive(): Memory {
    if (this.#memory !== undefined) return this.#memory;
    throw new CutlossError(
      'ERR_CUTLOSS_DISPOSED',
      'Expected a live tensor but received one that was disposed',
    );
  }

  static {
    isTensor = (value): value is Tensor => typeof value === 'object' && value !== null && #memory in value;
    memoryOf = (tensor) => tensor.#memory;
    deviceOf = (tensor) => tensor.#index;
    replaceMemory = (tensor, memory) => {
      tensor.dispose();
      tensor.#memory = memory;
      tensor.#hold(memory);
    };
  }
}

/** A tensor over memory that exists. The shape is frozen, so it must be ours. */
export function wrap<D extends DType>(
  memory: Memory,
  dtype: D,
  shape: readonly number[],
  size: number,
  device: number,
): Tensor<D> {
  return new Tensor(construct, memory, dtype, shape, size, device);
}

/** A tensor over fresh memory: zeroed on the CPU, uninitialised on a GPU, elsewhere to come. `what` names it in errors. */
export function allocate<D extends DType>(
  dtype: D,
  shape: readonly number[],
  size: number,
  device: number,
  what: string,
): Tensor<D> {
  if (device >= 0) return wrap(allocateOnDevice(dtype, size, device), dtype, shape, size, device);
  if (device === elsewhere) return wrap(new LentMemory(shape), dtype, shape, size, device);
  return wrap(makeStorage(dtype, size, what), dtype, shape, size, device);
}

export function allocateOnDevice(dtype: DType, size: number, device: number): DeviceMemory {
  const memory = native().allocate(device, size * storage(dtype).bytes);
  if (isFailure(memory)) throw nativeError(memory);
  return memory;
}
