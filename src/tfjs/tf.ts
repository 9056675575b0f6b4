// What is used of tfjs, as types. Whoever has tfjs hands it to bind(): nothing of it is imported here, not even types, so
// that any package which carries tfjs-core will do (tfjs-node, tfjs, tfjs-core with a backend).

export type DTypeOfTf = 'float32' | 'int32' | 'bool' | 'complex64' | 'string';

/** What kernels see of a tensor. */
export interface TensorInfo {
  dataId: object;
  shape: number[];
  dtype: DTypeOfTf;
}

export interface TfTensor extends TensorInfo {
  readonly isDisposed: boolean;
  dataSync(): ArrayLike<unknown>;
  dispose(): void;
  clone(): TfTensor;
}

/** Keeps tensors for the gradient. */
export type Save = (tensors: TfTensor[]) => void;

export interface Backend {
  readSync(dataId: object): unknown;
  write(values: unknown, shape: number[], dtype: string): object;
  disposeData(dataId: object, force?: boolean): boolean;
}

export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs?: object;
  readonly backend: object;
}

/** Any tfjs module, known by what its tensors are. */
export interface AnyTfjs {
  tensor(values: never, shape?: never, dtype?: never): TensorInfo;
  scalar(value: number, dtype?: never): TensorInfo;
  customGrad(f: never): unknown;
}

/** The part of a tfjs module that the bridge uses. */
export interface Tfjs {
  engine(): {
    readonly state: { readonly gradientDepth: number; readonly kernelDepth: number };
    runKernel(name: string, inputs: object, attrs?: object): unknown;
  };
  getBackend(): string;
  getKernel(name: string, backend: string): object | undefined;
  registerKernel(config: {
    kernelName: string;
    backendName: string;
    kernelFunc: (call: KernelCall) => TensorInfo[];
  }): void;
  customGrad(
    f: (...inputs: (TfTensor | Save)[]) => {
      value: TfTensor;
      gradFunc: (dy: TfTensor, saved: TfTensor[]) => TfTensor[];
    },
  ): (...inputs: TfTensor[]) => TfTensor;
  cast(tensor: TfTensor, dtype: 'float32' | 'int32'): TfTensor;
  reshape(tensor: TfTensor, shape: number[]): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  scalar(value: number, dtype?: 'float32' | 'int32'): TfTensor;
  tensor(values: unknown, shape?: number[], dtype?: 'float32' | 'int32' | 'bool'): TfTensor;
}

export function isTfTensor(value: unknown): value is TfTensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'shape' in value;
}
