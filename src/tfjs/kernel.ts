// From a loss of ours to an operation of tfjs: a kernel per loss and backend, and around it a custom gradient. The
// gradient of a scalar loss is made with it, in the pass that is cheapest, and only scaled when dy comes down.

import { nativeError } from '../errors.js';
import type { LossResult } from '../losses/loss.js';
import { native } from '../native.js';
import { wrap } from '../tensor.js';
import type { TensorLike } from '../view.js';
import { type BackendMemory, isWasm, PlainMemory, WasmMemory } from './backend-memory.js';
import { isTensorFlow, TensorFlowMemory } from './tensorflow.js';
import type { Backend, KernelCall, Save, TensorInfo, Tfjs, TfTensor } from './tf.js';

/** A loss of ours, blocking, as the bridge calls it. */
export type BlockingLoss = (
  inputs: Readonly<Record<string, TensorLike>>,
  options: Readonly<Record<string, unknown>>,
) => LossResult<string>;

/** A loss with its options, ready for tensors. */
export interface BoundLoss {
  readonly kernel: string;
  readonly loss: BlockingLoss;
  readonly options: Readonly<Record<string, unknown>>;
  /** Inputs that came with the options. */
  readonly constants: Readonly<Record<string, TensorLike>>;
  /** The names of the inputs that gradients flow to. */
  readonly differentiable: readonly string[];
  /** Brings the tensors into the form that the loss takes. */
  prepare(tensors: NamedTensors): NamedTensors;
}

export type NamedTensors = Readonly<Record<string, TfTensor>>;

/** What a kernel is given to do. Copies of this package in one process share kernels, so these know nothing else. */
interface Attributes {
  run(inputs: Readonly<Record<string, TensorInfo>>, backend: Backend): TensorInfo[];
}
const kernelFunc = ({ inputs, attrs, backend }: KernelCall): TensorInfo[] =>
  (attrs as Attributes).run(inputs as Record<string, TensorInfo>, backend as Backend);

/** Where a scalar is read without waiting for a device. */
const readsAtOnce = ['cpu', 'wasm', 'tensorflow'];

export class Kernels {
  readonly #tf: Tfjs;
  readonly #memories = new WeakMap<Backend, BackendMemory>();

  constructor(tf: Tfjs) {
    this.#tf = tf;
  }

  /** The loss of the tensors; gradients flow to those that are differentiable, the others are constants. */
  call(bound: BoundLoss, tensors: NamedTensors): TfTensor {
    const names = bound.differentiable.filter((name) => name in tensors);
    const { gradientDepth, kernelDepth } = this.#tf.engine().state;
    const recording = gradientDepth > 0 && kernelDepth === 0;
    const loss = this.#tf.customGrad((...given) => {
      const save = given.pop() as Save;
      return bound.options.reduction === 'none'
        ? this.#perItem(bound, tensors, names, save)
        : this.#scalar(bound, tensors, recording ? names : [], save);
    });
    return loss(...names.map((name) => tensors[name] as TfTensor));
  }

  #scalar(bound: BoundLoss, tensors: NamedTensors, names: readonly string[], save: Save) {
    const [value, ...gradients] = this.#run(bound, tensors, names) as [TfTensor, ...TfTensor[]];
    save(gradients);
    const gradFunc = (dy: TfTensor, saved: TfTensor[]): TfTensor[] => {
      const isOne = readsAtOnce.includes(this.#tf.getBackend()) && dy.dataSync()[0] === 1;
      return saved.map((gradient) => (isOne ? gradient.clone() : this.#tf.mul(gradient, dy)));
    };
    return { value, gradFunc };
  }

  /** Items may share elements of the gradient, so what each weighs has to be known first. */
  #perItem(bound: BoundLoss, tensors: NamedTensors, names: readonly string[], save: Save) {
    const [value] = this.#run(bound, tensors, []) as [TfTensor];
    const keys = Object.keys(tensors);
    save(keys.map((key) => tensors[key] as TfTensor));
    const gradFunc = (upstream: TfTensor, saved: TfTensor[]): TfTensor[] => {
      const kept = Object.fromEntries(keys.map((key, i) => [key, saved[i] as TfTensor]));
      return this.#run(bound, { ...kept, upstream }, names).slice(1);
    };
    return { value, gradFunc };
  }

  /** The loss, then the gradients by `names`. */
  #run(bound: BoundLoss, tensors: NamedTensors, names: readonly string[]): TfTensor[] {
    const { kernel } = bound;
    const backendName = this.#tf.getBackend();
    if (this.#tf.getKernel(kernel, backendName) === undefined) {
      this.#tf.registerKernel({ kernelName: kernel, backendName, kernelFunc });
    }
    const run: Attributes['run'] = (inputs, backend) => this.#compute(bound, inputs, names, backend);
    return this.#tf.engine().runKernel(kernel, bound.prepare(tensors), { run }) as TfTensor[];
  }

  #compute(
    { loss, options, constants }: BoundLoss,
    tensors: Readonly<Record<string, TensorInfo>>,
    names: readonly string[],
    backend: Backend,
  ): TensorInfo[] {
    const memory = this.#memoryOf(backend);
    const reserved = new Map<string, TensorInfo>();
    try {
      for (const info of Object.values(tensors)) memory.fetch?.(info);
      for (const name of names) {
        const room = memory.reserve?.((tensors[name] as TensorInfo).shape);
        if (room !== undefined) reserved.set(name, room);
      }
      const lend = (list: Iterable<[string, TensorInfo]>): Record<string, TensorLike> =>
        Object.fromEntries([...list].map(([name, info]) => [name, memory.lend(info)]));
      const { upstream, ...inputs } = lend(Object.entries(tensors));
      const gradients = { grads: names, out: lend(reserved), upstream };
      const result = loss({ ...constants, ...inputs }, { ...options, ...gradients });

      const value = result.perItem ?? wrap(Float32Array.of(result.loss), 'float32', [], 1, -1);
      const made = names.map((name) => reserved.get(name) ?? memory.take(result.grads[name] as typeof value));
      return [memory.take(value), ...made];
    } catch (error) {
      for (const { dataId } of reserved.values()) backend.disposeData(dataId, true);
      throw error;
    }
  }

  #memoryOf(backend: Backend): BackendMemory {
    const known = this.#memories.get(backend);
    if (known !== undefined) return known;
    const memory = this.#reach(backend);
    this.#memories.set(backend, memory);
    return memory;
  }

  #reach(backend: Backend): BackendMemory {
    if (isWasm(backend)) return new WasmMemory(backend);
    if (!isTensorFlow(backend)) return new PlainMemory(backend);
    const operation = native().registerInTensorFlow();
    if (typeof operation === 'string') return new TensorFlowMemory(this.#tf, backend, operation);
    const { message } = nativeError(operation);
    process.emitWarning(`cutloss/tfjs copies tensors to and from TensorFlow: ${message}`);
    return new PlainMemory(backend);
  }
}
