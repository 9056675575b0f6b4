// The public types, written out by hand as users rely on them: this file compiles only while the shipped types agree.
// `Same` compares both ways; the functions are called the ways they may be called, and with what they must refuse.

import {
  type Bars,
  type BettiMatch,
  type BettiMatchingOptions,
  type BettiMatchingResult,
  type bettiMatching,
  type bettiMatchingError,
  type bettiNumberError,
  type bettiNumbers,
  type CutInputs,
  type CutlossError,
  type crossEntropy,
  crossEntropySync,
  type cutCrossEntropy,
  cutCrossEntropySync,
  type DataOf,
  type Device,
  type DeviceInfo,
  type DType,
  type devices,
  type ErrorCode,
  type fromBFloat16,
  type fromFloat16,
  type GradientFilter,
  type LogitInputs,
  type LossOptions,
  type LossResult,
  type memory,
  type NestedNumbers,
  type PreparedTarget,
  type persistence,
  type prepareTarget,
  type Reduction,
  type RowObjective,
  type RowOptions,
  type RowResult,
  setDevice,
  type setThreads,
  type Tensor,
  type TensorLike,
  type TypedArray,
  tensor,
  type toBFloat16,
  type toFloat16,
  type Versions,
  type versions,
  zeros,
} from 'cutloss';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Accepts<Wide, Narrow> = [Narrow] extends [Wide] ? true : false;
function holds<_Claim extends true>(): void {}

// ── tensors ──

holds<Same<DType, 'float32' | 'float16' | 'bfloat16' | 'int32' | 'int64' | 'uint8' | 'bool'>>();
holds<Same<Device, 'cpu' | `cuda:${number}`>>();
holds<Accepts<TypedArray, Float32Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array>>();
holds<Same<Accepts<TypedArray, Float64Array>, false>>();
holds<Same<DataOf<'float32'>, Float32Array>>();
holds<Same<DataOf<'float16'>, Uint16Array>>();
holds<Same<DataOf<'bfloat16'>, Uint16Array>>();
holds<Same<DataOf<'int32'>, Int32Array>>();
holds<Same<DataOf<'int64'>, BigInt64Array>>();
holds<Same<DataOf<'uint8'>, Uint8Array>>();
holds<Same<DataOf<'bool'>, Uint8Array>>();
holds<Accepts<NestedNumbers, number | number[][] | readonly (readonly number[])[]>>();

declare const t: Tensor<'int64'>;
holds<Same<typeof t.dtype, 'int64'>>();
holds<Same<typeof t.shape, readonly number[]>>();
holds<Same<typeof t.device, Device>>();
holds<Same<typeof t.size, number>>();
holds<Same<typeof t.byteLength, number>>();
holds<Same<typeof t.disposed, boolean>>();
holds<Same<ReturnType<typeof t.data>, Promise<BigInt64Array>>>();
holds<Same<ReturnType<typeof t.dataSync>, BigInt64Array>>();
holds<Same<ReturnType<typeof t.item>, number>>();
holds<Same<ReturnType<typeof t.to>, Promise<Tensor<'int64'>>>>();
holds<Same<ReturnType<typeof t.toSync>, Tensor<'int64'>>>();
holds<Same<ReturnType<typeof t.dispose>, void>>();
holds<Accepts<Disposable, Tensor>>();
holds<Accepts<Tensor, Tensor<'float32'>>>();
holds<Accepts<(device: Device) => Promise<Tensor>, Tensor['to']>>();
// @ts-expect-error the description cannot be changed
t.shape = [1];

holds<Accepts<TensorLike, Tensor>>();
holds<Accepts<TensorLike, { readonly data: TypedArray; readonly shape: readonly number[] }>>();
holds<Accepts<TensorLike<'int32'>, { data: Int32Array; shape: number[]; dtype: 'int32' }>>();
holds<Same<Accepts<TensorLike, { data: number[]; shape: number[] }>, false>>();

holds<
  Accepts<
    <D extends DType = 'float32'>(
      values: TypedArray | NestedNumbers,
      shape?: readonly number[],
      dtype?: D,
    ) => Tensor<D>,
    typeof tensor
  >
>();
const nested: Tensor<'float32'> = tensor([
  [1, 2],
  [3, 4],
]);
const wrapped: Tensor<'float32'> = tensor(new Float32Array(4), [2, 2]);
const bits: Tensor<'bfloat16'> = tensor(new Uint16Array(8), [8], 'bfloat16');
const ids: Tensor<'int32'> = tensor(new Int32Array(2));
const scalar: Tensor<'float32'> = tensor(1);
const made: Tensor<'float32'> = zeros([2, 3]);
const made16: Tensor<'float16'> = zeros([2, 3], 'float16', 'cuda:0');
// @ts-expect-error no such dtype
zeros([1], 'float64');

holds<Same<typeof toBFloat16, (values: Float32Array) => Uint16Array>>();
holds<Same<typeof toFloat16, (values: Float32Array) => Uint16Array>>();
holds<Same<typeof fromBFloat16, (bits: Uint16Array) => Float32Array>>();
holds<Same<typeof fromFloat16, (bits: Uint16Array) => Float32Array>>();

// ── devices ──

interface ExpectedDeviceInfo {
  device: Device;
  name: string;
  totalMemory: number;
  freeMemory: number;
  computeCapability?: string;
  driver?: string;
  threads?: number;
  simd?: 'avx512bf16' | 'avx512' | 'avx2' | 'neon' | 'generic';
}
interface ExpectedMemory {
  device: Device;
  tensors: number;
  bytes: number;
  workspaceBytes: number;
  peakBytes: number;
}
holds<Accepts<DeviceInfo, ExpectedDeviceInfo>>();
holds<Accepts<ExpectedDeviceInfo, DeviceInfo>>();
holds<Same<typeof devices, () => DeviceInfo[]>>();
interface ExpectedVersions {
  cutloss: string;
  binary: string;
  commit?: string;
  nodeApi: number;
  compiler: string;
  cudaRuntime?: string;
  cudaDriver?: string;
  simd?: 'amx' | DeviceInfo['simd'];
}
holds<Accepts<Versions, ExpectedVersions>>();
holds<Accepts<ExpectedVersions, Versions>>();
holds<Same<typeof versions, () => Versions>>();
holds<Accepts<(device: Device | 'auto') => void, typeof setDevice>>();
holds<Same<typeof setThreads, (count: number) => void>>();
holds<Accepts<ExpectedMemory[], ReturnType<typeof memory>>>();
setDevice('auto');
setDevice('cuda');
// @ts-expect-error no such device
setDevice('gpu');

// ── every loss ──

interface ExpectedLossOptions<D extends string> {
  reduction?: Reduction;
  grads?: boolean | readonly D[];
  upstream?: number | TensorLike;
  device?: Device;
  signal?: AbortSignal;
  out?: Partial<Record<D, TensorLike>>;
}
holds<Same<Reduction, 'mean' | 'sum' | 'none'>>();
holds<Accepts<LossOptions<'a' | 'b'>, ExpectedLossOptions<'a' | 'b'>>>();
holds<Same<Required<LossOptions<'a'>>['copy'], boolean>>();
holds<Same<LossResult<'a'>['loss'], number>>();
holds<Same<Required<LossResult<'a'>>['perItem'], Tensor<'float32'>>>();
holds<Same<LossResult<'a' | 'b'>['grads'], { a?: Tensor; b?: Tensor }>>();

// ── rows ──

interface ExpectedRowOptions {
  objective?: RowObjective;
  ignoreIndex?: number;
  labelSmoothing?: number;
  zLoss?: number;
  softcap?: number;
  temperature?: number;
  shift?: number;
  divisor?: number;
  gradientFilter?: GradientFilter;
  outputs?: readonly ('logProb' | 'lse' | 'entropy' | 'argmax')[];
  workspaceBytes?: number;
  deterministic?: boolean;
}
type ExpectedObjective =
  | 'crossEntropy'
  | { kind: 'focal'; gamma?: number; detach?: boolean }
  | { kind: 'poly1'; epsilon?: number }
  | { kind: 'generalized'; q?: number; truncateAt?: number }
  | { kind: 'compSum'; tau: number }
  | { kind: 'meanAbsolute' }
  | { kind: 'symmetric'; alpha?: number; beta?: number }
  | { kind: 'encouraging'; end?: number }
  | { kind: 'passAtN'; n: number; segments: TensorLike }
  | ((logProbs: Float32Array) => { loss: Float32Array; weights: Float32Array });
holds<Accepts<RowOptions, ExpectedRowOptions>>();
holds<Accepts<ExpectedRowOptions, RowOptions>>();
holds<Accepts<RowObjective, ExpectedObjective>>();
holds<Accepts<ExpectedObjective, RowObjective>>();
holds<
  Same<
    GradientFilter,
    | 'none'
    | 'hidden'
    | 'both'
    | { hidden?: boolean; classifier?: boolean; eps?: number; sortVocabulary?: boolean }
  >
>();
interface ExpectedCutInputs {
  hidden: TensorLike;
  classifier: TensorLike;
  targets: TensorLike;
  bias?: TensorLike;
  weights?: TensorLike;
  classWeights?: TensorLike;
}
type CutNames = 'hidden' | 'classifier' | 'bias';
type CutOptions = RowOptions & LossOptions<CutNames>;
holds<Same<CutInputs, ExpectedCutInputs>>();
holds<
  Same<typeof cutCrossEntropy, (inputs: CutInputs, options?: CutOptions) => Promise<RowResult<CutNames>>>
>();
holds<Same<typeof cutCrossEntropySync, (inputs: CutInputs, options?: CutOptions) => RowResult<CutNames>>>();
// @ts-expect-error: the classifier is missing
cutCrossEntropySync({ hidden: nested, targets: ids });

// ── topology ──

interface ExpectedTopologyOptions {
  filtration?: 'superlevel' | 'sublevel';
  border?: 'open' | 'closed';
  dimensions?: readonly number[];
}
interface ExpectedMatchingOptions extends ExpectedTopologyOptions, ExpectedLossOptions<'prediction'> {
  activation?: 'none' | 'sigmoid';
  unmatched?: { prediction?: 'diagonal' | 'oneZero' | 'ignore'; target?: 'count' | 'ignore' };
  minPersistence?: number;
  outputs?: readonly ('pairs' | 'representatives')[];
}
interface ExpectedMatch {
  matched: { prediction: Bars; target: Bars };
  unmatchedPrediction: Bars;
  unmatchedTarget: Bars;
}
type Pair = { prediction: TensorLike; target: TensorLike };
type Threshold = ExpectedTopologyOptions & { threshold?: number };
holds<Same<Bars['birth' | 'death'], Float32Array>>();
holds<Same<Bars['birthIndex' | 'deathIndex'], Int32Array>>();
holds<Accepts<BettiMatchingOptions, ExpectedMatchingOptions>>();
holds<Same<Required<BettiMatchingResult>['pairs'], BettiMatch[][]>>();
holds<Accepts<BettiMatch, ExpectedMatch>>();
holds<Accepts<ExpectedMatch, BettiMatch>>();
holds<
  Accepts<
    (inputs: Pair, options?: ExpectedMatchingOptions) => Promise<BettiMatchingResult>,
    typeof bettiMatching
  >
>();
holds<
  Accepts<(field: TensorLike, options?: ExpectedTopologyOptions) => Promise<Bars[][]>, typeof persistence>
>();
holds<Accepts<(mask: TensorLike, options?: Threshold) => Promise<Int32Array[]>, typeof bettiNumbers>>();
holds<
  Accepts<
    (target: TensorLike, options?: ExpectedTopologyOptions) => Promise<PreparedTarget>,
    typeof prepareTarget
  >
>();
holds<Accepts<Parameters<typeof bettiMatching>[0]['target'], PreparedTarget>>();
holds<Accepts<(inputs: Pair, options?: Threshold) => Promise<Float64Array>, typeof bettiMatchingError>>();
holds<Accepts<(inputs: Pair, options?: Threshold) => Promise<Float64Array>, typeof bettiNumberError>>();

type Rows = Required<RowResult<'logits'>>;
holds<Same<Rows['rows'] | Rows['loss'] | Rows['keptTiles'], number>>();
holds<Same<Rows['logProb' | 'lse' | 'entropy'], Tensor<'float32'>>>();
holds<Same<Rows['argmax'], Tensor<'int32'>>>();
holds<Accepts<LossResult<'logits'>, RowResult<'logits'>>>();

interface ExpectedLogitInputs {
  logits: TensorLike;
  targets: TensorLike;
  weights?: TensorLike;
  classWeights?: TensorLike;
}
type LogitOptions = RowOptions & LossOptions<'logits'>;
holds<Accepts<LogitInputs, ExpectedLogitInputs>>();
holds<Accepts<ExpectedLogitInputs, LogitInputs>>();
holds<
  Same<typeof crossEntropy, (inputs: LogitInputs, options?: LogitOptions) => Promise<RowResult<'logits'>>>
>();
holds<Same<typeof crossEntropySync, (inputs: LogitInputs, options?: LogitOptions) => RowResult<'logits'>>>();

const gradient: Tensor | undefined = crossEntropySync({ logits: nested, targets: ids }, { grads: ['logits'] })
  .grads.logits;
crossEntropySync(
  { logits: { data: new Float32Array(4), shape: [2, 2] }, targets: ids },
  { objective: 'crossEntropy' },
);
// @ts-expect-error no such option
crossEntropySync({ logits: nested, targets: ids }, { reducton: 'mean' });
// @ts-expect-error no such gradient
crossEntropySync({ logits: nested, targets: ids }, { grads: ['targets'] });
// @ts-expect-error tau has no default
crossEntropySync({ logits: nested, targets: ids }, { objective: { kind: 'compSum' } });
// @ts-expect-error targets are required
crossEntropySync({ logits: nested });

// ── errors ──

holds<
  Same<
    ErrorCode,
    | 'ERR_CUTLOSS_SHAPE'
    | 'ERR_CUTLOSS_DTYPE'
    | 'ERR_CUTLOSS_OPTION'
    | 'ERR_CUTLOSS_TARGET'
    | 'ERR_CUTLOSS_DETACHED'
    | 'ERR_CUTLOSS_DISPOSED'
    | 'ERR_CUTLOSS_DEVICE'
    | 'ERR_CUTLOSS_MEMORY'
    | 'ERR_CUTLOSS_CUDA'
    | 'ERR_CUTLOSS_LOAD'
    | 'ERR_CUTLOSS_INTERNAL'
  >
>();
holds<Accepts<Error, CutlossError>>();
holds<Same<CutlossError['code'], ErrorCode>>();
holds<Same<Required<CutlossError>['details'], Readonly<Record<string, unknown>>>>();

export { bits, gradient, made, made16, scalar, wrapped };
