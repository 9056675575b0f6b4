// Typed arrays (and abort signals) as they are, not as they say: what is asked of them goes through the intrinsic
// getters, so that a Proxy, a subclass or an own property cannot lie, and no code of the caller's runs meanwhile. Also:
// which memory may vanish under a running job, and keeping it there.

import { createRequire } from 'node:module';
import { types } from 'node:util';
import { CutlossError } from './errors.js';

type Getter<T> = (this: unknown) => T;

function getter<T>(prototype: object, name: PropertyKey): Getter<T> {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as Getter<T>;
}

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
const tag = getter<string | undefined>(typedArrayPrototype, Symbol.toStringTag);
const length = getter<number>(typedArrayPrototype, 'length');
const byteOffset = getter<number>(typedArrayPrototype, 'byteOffset');
const buffer = getter<ArrayBufferLike>(typedArrayPrototype, 'buffer');
const resizable = getter<boolean>(ArrayBuffer.prototype, 'resizable');
const byteLength = getter<number>(ArrayBuffer.prototype, 'byteLength');

/** 'Float32Array' and so on; undefined for whatever is no typed array, Proxies of one included. */
export function typedArrayKind(value: unknown): string | undefined {
  return tag.call(value);
}

/** Elements; 0 once the buffer is detached. */
export function lengthOf(array: ArrayBufferView): number {
  return length.call(array);
}

export function byteOffsetOf(array: ArrayBufferView): number {
  return byteOffset.call(array);
}

export function bufferOf(array: ArrayBufferView): ArrayBufferLike {
  return buffer.call(array);
}

/** Whether the buffer can shrink under a running job. (A growable SharedArrayBuffer only grows.) */
export function isResizable(array: ArrayBufferView): boolean {
  const memory = bufferOf(array);
  return !types.isSharedArrayBuffer(memory) && resizable.call(memory);
}

// What Node itself loads only when asked is asked for at the first need: it would double the time of import.
let aborted: Getter<boolean> | undefined;
let markAsUntransferable: ((buffer: ArrayBufferLike) => void) | undefined;

/** Whether the signal was aborted, without running what somebody may have put in the way of asking. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  if (signal === undefined) return false;
  aborted ??= getter<boolean>(AbortSignal.prototype, 'aborted');
  return aborted.call(signal);
}

/** Whether it is a signal, and does not only look like one. */
export function isSignal(value: unknown): value is AbortSignal {
  try {
    isAborted(value as AbortSignal);
    return value !== undefined && !types.isProxy(value);
  } catch {
    return false;
  }
}

/** Calls `abort` when the signal is aborted, until what it returns is called. */
export function onAbort(signal: AbortSignal | undefined, abort: () => unknown): () => void {
  if (signal === undefined) return () => {};
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  addEventListener.call(signal, 'abort', abort, { once: true });
  return () => removeEventListener.call(signal, 'abort', abort);
}

/** Whether the memory is gone: transferred to somebody else. Slow; ask only of arrays of length 0. */
export function isDetached(array: ArrayBufferView): boolean {
  try {
    new Uint8Array(bufferOf(array) as ArrayBuffer, 0, 0);
    return false;
  } catch {
    return true;
  }
}

export function detached(name: string): CutlossError {
  return new CutlossError(
    'ERR_CUTLOSS_DETACHED',
    `Expected memory that is there for ${name} but received an array whose buffer was transferred away`,
    { name },
  );
}

const set = Object.getOwnPropertyDescriptor(typedArrayPrototype, 'set')?.value as Float32Array['set'];

/** target.set(source), for arrays of one kind, whatever the target's class makes of `set`. */
export function copyInto(target: ArrayBufferView, source: ArrayBufferView): void {
  set.call(target as Float32Array, source as Float32Array);
}

const wasmPage = 65536;
const kept = new WeakSet<ArrayBufferLike>();

/**
 * Whether V8 itself refuses to transfer the buffer, as it does with WebAssembly's memory since Node 22. A buffer that is
 * listed twice is never transferred, and what is said about it tells.
 */
function isFixed(memory: ArrayBuffer): boolean {
  try {
    structuredClone(undefined, { transfer: [memory, memory] });
    return false;
  } catch (error) {
    return /unsupported type/.test((error as Error).message);
  }
}

/**
 * Keeps the array's memory in place for good: postMessage and structuredClone will copy it where they were asked to
 * transfer it (Node 20) or refuse (later). A SharedArrayBuffer cannot be transferred in the first place; nor can
 * WebAssembly's memory, and if it were marked its next grow() would end the process (Node 24).
 */
export function keepInPlace(array: ArrayBufferView): void {
  const memory = bufferOf(array);
  if (types.isSharedArrayBuffer(memory) || kept.has(memory)) return;
  kept.add(memory);
  if (byteLength.call(memory) % wasmPage === 0 && isFixed(memory as ArrayBuffer)) return;
  if (markAsUntransferable === undefined) {
    const threads: typeof import('node:worker_threads') = createRequire(__filename)('node:worker_threads');
    markAsUntransferable = threads.markAsUntransferable;
  }
  markAsUntransferable(memory);
}
