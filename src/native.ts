// The native addon: what it offers, finding and loading it at the first need, and a diagnosis where that fails.
// Importing cutloss therefore costs next to nothing and never fails; the first call that computes may.

import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { Stored } from './dtype.js';
import { applyEnvironment } from './environment.js';
import { CutlossError, type Failure } from './errors.js';
import type { LentMemory } from './lent-memory.js';

/** Memory on a GPU: an opaque handle of the addon. */
export type DeviceMemory = object & { readonly __deviceMemory?: never };
export type Memory = Stored | DeviceMemory | LentMemory;

export interface ObjectiveInfo {
  readonly name: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly fallback: number;
    readonly low: number;
    readonly high: number;
    readonly required: boolean;
  }[];
}

export interface OperationInfo {
  /** kName of the request. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

export interface DeviceDescription {
  readonly name: string;
  readonly totalMemory: number;
  readonly freeMemory: number;
  readonly computeCapability?: string;
  readonly driver?: string;
  readonly threads?: number;
  readonly simd?: string;
  readonly simdLevel?: string;
}

/** An operation's number, the device (-1: CPU), views in the operation's order, their dtypes, numbers in and out. */
export type RunArguments = [
  operation: number,
  device: number,
  views: readonly (Memory | undefined)[],
  dtypes: Uint8Array,
  parameters: Float64Array,
  results: Float64Array,
];

export type OpenView = readonly [slot: number, shape: readonly number[]];

/** What binding/ exports. Whatever can fail returns a Failure; nothing throws. */
export interface Native {
  readonly operations: readonly OperationInfo[];
  /** In the order of the parameter 'objective'; the length itself means "given row by row". */
  readonly objectives: readonly ObjectiveInfo[];
  /** In the order of the parameter 'index'; the length itself means "none". */
  readonly regionIndices: readonly string[];
  /** The columns of moments. */
  readonly regionMoments: readonly string[];
  /** What this machine can run, best first. */
  readonly simdLevels: readonly string[];
  run(...job: RunArguments): Failure | undefined;
  /** Queues the job and returns its number; `done` is called once, later, on this thread. A Failure: not queued. */
  start(
    ...job: [
      ...RunArguments,
      done: (failure: Failure | undefined) => void,
      /** A bit per view: outputs on the host that are written all at once, when the job has succeeded. */
      staged: number,
    ]
  ): number | Failure;
  cancel(job: number): void;
  /** The name of the operation that runs staged jobs inside the TensorFlow that tfjs-node has loaded. */
  registerInTensorFlow(): string | Failure;
  /** Stages a job some of whose views TensorFlow provides, by slot and shape, and returns its number. */
  stage(
    ...job: [...RunArguments, inputs: readonly OpenView[], outputs: readonly OpenView[]]
  ): number | Failure;
  /** Takes the job back: its results, or its failure; nothing where it did not run. */
  unstage(job: number, results: Float64Array): Failure | undefined;
  /** Never creates a CUDA context. */
  cudaDevices(): { readonly count: number; readonly reason: string };
  versions(): {
    readonly binary: string;
    readonly commit?: string;
    readonly nodeApi: number;
    readonly compiler: string;
    readonly cudaRuntime?: string;
    readonly cudaDriver?: string;
  };
  describe(device: number): DeviceDescription | Failure;
  memory(device: number): {
    readonly bytes: number;
    readonly workspaceBytes: number;
    readonly peakBytes: number;
  };
  setThreads(count: number): Failure | undefined;
  setSimd(level: string | undefined): Failure | undefined;
  allocate(device: number, bytes: number): DeviceMemory | Failure;
  release(memory: DeviceMemory): void;
  upload(memory: DeviceMemory, source: Stored): Failure | undefined;
  download(target: Stored, memory: DeviceMemory): Failure | undefined;
}

let loaded: Native | undefined;

/** The addon, loaded at the first call. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

/** Tells the addon's failures from what it returns otherwise: a device handle has no properties. */
export function isFailure(value: object): value is Failure {
  return Object.hasOwn(value, 'code');
}

// This file runs from dist/cjs, and from src under a test runner that compiles on the fly.
export const packageRoot: string = join(__dirname, basename(__dirname) === 'cjs' ? '../..' : '..');

const requireHere = createRequire(__filename);

/** The addon that fits this machine; throws where there is none. */
export function findBinary(): string {
  // Required here and not imported above, for the same reason: the time of import.
  const { path: find } = requireHere('node-gyp-build') as { path(root: string): string };
  return find(packageRoot);
}

function load(): Native {
  let file: string | undefined;
  let addon: Native;
  try {
    file = findBinary();
    addon = requireHere(file) as Native;
  } catch (cause) {
    throw loadError(file, cause);
  }
  applyEnvironment(addon);
  return addon;
}

function loadError(file: string | undefined, cause: unknown): CutlossError {
  const { platform, arch } = process;
  const libc = libcName();
  const looked = [
    join(packageRoot, 'build', 'Release'),
    join(packageRoot, 'prebuilds', `${platform}-${arch}`),
  ];
  const advice =
    'In a git checkout, type: npm run build:native (needs CMake and a C++20 compiler). ' +
    'Elsewhere, type: npm install cutloss, on the machine and with the Node that will run it.';
  const message =
    file === undefined
      ? `Expected a native binary for ${platformName()} but found none in ${looked.join(' or ')}. ${advice}`
      : `Expected ${file} to load on ${platformName()} but received: ${firstLine(cause)}. ${advice}`;
  return new CutlossError('ERR_CUTLOSS_LOAD', message, { platform, arch, libc, file, looked }, { cause });
}

/** The version in package.json. */
export function packageVersion(): string {
  return (requireHere(join(packageRoot, 'package.json')) as { version: string }).version;
}

/** 'linux-x64 (glibc 2.36), Node 20.20.2' */
export function platformName(): string {
  const libc = libcName();
  return `${process.platform}-${process.arch}${libc ? ` (${libc})` : ''}, Node ${process.versions.node}`;
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split('\n', 1)[0] ?? '';
}

/** 'glibc 2.36' or 'musl' on Linux. Slow: it writes a report; only for errors. */
function libcName(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const version = report?.header?.glibcVersionRuntime;
  return version === undefined ? 'musl' : `glibc ${version}`;
}
