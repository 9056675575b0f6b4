// Devices by name ('cpu', 'cuda:0') and by number (-1, 0), which of them a loss runs on, and the engine's knobs.
// Nothing here creates a CUDA context but devices() and memory() where there is a GPU to describe.

import { environment } from './environment.js';
import { CutlossError, nativeError } from './errors.js';
import { type DeviceDescription, isFailure, native } from './native.js';
import { choice, describe, expected, integerFrom, type Reader } from './validate.js';

/** Where a tensor lives or a loss runs. 'cuda' is accepted wherever a Device is, and means 'cuda:0'. */
export type Device = 'cpu' | `cuda:${number}`;

export interface DeviceInfo {
  device: Device;
  name: string;
  /** Bytes. */
  totalMemory: number;
  freeMemory: number;
  /** GPUs: '9.0'. */
  computeCapability?: string;
  driver?: string;
  /** The CPU: threads of the engine, and the instructions of its vectors. */
  threads?: number;
  simd?: 'avx512bf16' | 'avx512' | 'avx2' | 'neon' | 'generic';
}

export const cpu = -1;

/** Memory of this process that another runtime lends; see LentMemory. */
export const elsewhere = -2;

const deviceNames: Device[] = [];

export function deviceName(device: number): Device {
  if (device < 0) return 'cpu';
  deviceNames[device] ??= `cuda:${device}`;
  return deviceNames[device] as Device;
}

/** A device's name as its number; whether there is such a device is asked too. */
export const readDevice: Reader<number> = (value, name) => readNamed(value, name, ['cpu']);

/** `names` are those that need no GPU. */
function readNamed(value: unknown, name: string, names: readonly string[]): number {
  if (value === 'cpu') return cpu;
  const what = choice([...names, 'cuda', 'cuda:<number>']);
  if (typeof value !== 'string') throw expected('ERR_CUTLOSS_OPTION', what, name, value);
  const match = /^cuda(?::(0|[1-9]\d{0,3}))?$/.exec(value);
  if (match === null) throw expected('ERR_CUTLOSS_DEVICE', what, name, value);
  const device = Number(match[1] ?? 0);
  const { count, reason } = native().cudaDevices();
  if (device < count) return device;
  const present = choice([...names, ...Array.from({ length: count }, (_, i) => `cuda:${i}`)]);
  const why = count === 0 && reason ? `: ${reason}` : '';
  const message = `Expected ${present} for ${name} but received ${describe(value)}${why}`;
  throw new CutlossError('ERR_CUTLOSS_DEVICE', message, { name });
}

const readDeviceOrAuto: Reader<number> = (value, name) =>
  value === 'auto' ? firstDevice() : readNamed(value, name, ['auto', 'cpu']);

function firstDevice(): number {
  return native().cudaDevices().count > 0 ? 0 : cpu;
}

let chosen: number | undefined;

/** Where a loss on CPU memory runs unless told otherwise; decided at the first need. */
export function defaultDevice(): number {
  chosen ??= readDeviceOrAuto(
    environment('CUTLOSS_DEVICE') ?? 'auto',
    'the environment variable CUTLOSS_DEVICE',
  );
  return chosen;
}

/**
 * Chooses where losses run when their inputs are on the CPU and no option `device` is given. 'auto', the default, is
 * the first GPU, else the CPU. The environment variable CUTLOSS_DEVICE says the same from outside.
 *
 * @example setDevice('cpu');
 */
export function setDevice(device: Device | 'cuda' | 'auto'): void {
  chosen = readDeviceOrAuto(device, 'device');
}

const readThreads = integerFrom(1, 9999);

/** Sets the number of threads of the CPU engine. Default: one per core; environment variable CUTLOSS_THREADS. */
export function setThreads(count: number): void {
  const failure = native().setThreads(readThreads(count, 'count'));
  if (failure) throw nativeError(failure);
}

/** The devices of this machine, the CPU first; a GPU that does not answer is left out. */
export function devices(): DeviceInfo[] {
  const infos: DeviceInfo[] = [];
  for (let device = cpu; device < native().cudaDevices().count; device++) {
    const description = native().describe(device);
    if (!isFailure(description)) infos.push({ device: deviceName(device), ...known(description) });
  }
  return infos;
}

function known(description: DeviceDescription): Omit<DeviceInfo, 'device'> {
  return description as Omit<DeviceInfo, 'device'>;
}

/** Tensors that hold memory of a GPU, by device number; kept by src/tensor.ts. */
export const gpuTensors: number[] = [];

/**
 * What each device holds now: tensors with memory on it, their bytes, the engine's scratch memory, and the most that
 * bytes and scratch ever came to. Tensors on the CPU live in JavaScript's memory and are not counted: 0.
 */
export function memory(): {
  device: Device;
  tensors: number;
  bytes: number;
  workspaceBytes: number;
  peakBytes: number;
}[] {
  const uses = [];
  for (let device = cpu; device < native().cudaDevices().count; device++) {
    const { bytes, workspaceBytes, peakBytes } = native().memory(device);
    const tensors = device === cpu ? 0 : (gpuTensors[device] ?? 0);
    uses.push({ device: deviceName(device), tensors, bytes, workspaceBytes, peakBytes });
  }
  return uses;
}
