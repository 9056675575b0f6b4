// The tensorflow backend: a job runs inside TensorFlow, on the memory of its tensors. The addon registers one operation
// for all losses in the TensorFlow that tfjs-node has loaded (binding/tensorflow); a job is staged, the operation
// executed with the tensors that the job is about, and the outputs are TensorFlow's.

import { elsewhere } from '../devices.js';
import { dtypes, type Stored } from '../dtype.js';
import type { Failure } from '../errors.js';
import { type Lender, LentMemory } from '../lent-memory.js';
import { native, type OpenView } from '../native.js';
import type { Job } from '../operation.js';
import { memoryOf, type Tensor, wrap } from '../tensor.js';
import { sizeOf } from '../view.js';
import { type LentDType, PlainMemory } from './backend-memory.js';
import type { Backend, TensorInfo, Tfjs, TfTensor } from './tf.js';

/** What is used of the tensorflow backend. */
export interface NodeBackend extends Backend {
  readonly binding: { readonly TF_ATTR_INT: number };
  executeMultipleOutputs(
    name: string,
    attributes: readonly { name: string; type: number; value: number }[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): TfTensor[];
}

export function isTensorFlow(backend: Backend): backend is NodeBackend {
  return 'executeMultipleOutputs' in backend && 'binding' in backend;
}

/** Float32 views before int32 ones, as the operation takes them. */
interface Sorted {
  readonly slots: number[];
  readonly memories: LentMemory[];
  readonly floats: number;
}

export class TensorFlowMemory extends PlainMemory implements Lender {
  readonly #tf: Tfjs;
  readonly #backend: NodeBackend;
  readonly #operation: string;

  constructor(tf: Tfjs, backend: NodeBackend, operation: string) {
    super(backend);
    this.#tf = tf;
    this.#backend = backend;
    this.#operation = operation;
  }

  override lend(info: TensorInfo): Tensor {
    const shape = [...info.shape];
    const dtype = info.dtype as LentDType;
    const memory = new LentMemory(shape, this, info);
    return wrap(memory, dtype, shape, sizeOf(shape, 'a tensor'), elsewhere);
  }

  override take(tensor: Tensor): TensorInfo {
    const memory = memoryOf(tensor);
    return memory instanceof LentMemory ? (memory.handle as TfTensor) : super.take(tensor);
  }

  read({ handle }: LentMemory): Stored {
    return this.#backend.readSync((handle as TensorInfo).dataId) as Stored;
  }

  run(job: Job): Failure | undefined {
    const inputs = this.#lent(job, 0, job.inputs);
    const outputs = this.#lent(job, job.inputs, job.views.length);
    const own = job.views.map((view) => (view instanceof LentMemory ? undefined : view));
    const open = ({ slots, memories }: Sorted): OpenView[] =>
      slots.map((slot, i) => [slot, (memories[i] as LentMemory).shape]);

    const { operation, device, dtypes, parameters, results } = job;
    const call = [operation, device, own, dtypes, parameters, results] as const;
    const staged = native().stage(...call, open(inputs), open(outputs));
    if (typeof staged !== 'number') return staged;
    const number = this.#tf.scalar(staged, 'int32');
    const tensors = [number, ...inputs.memories.map((memory) => memory.handle as TensorInfo)];
    let refusal: unknown;
    try {
      const attributes = this.#attributes(inputs, outputs);
      const count = outputs.slots.length;
      const made = this.#backend.executeMultipleOutputs(this.#operation, attributes, tensors, count);
      for (const [i, memory] of outputs.memories.entries()) {
        memory.lender = this;
        memory.handle = made[i];
      }
    } catch (error) {
      refusal = error;
    } finally {
      number.dispose();
    }
    // What the job says of its failure has a code; TensorFlow only repeats the words.
    const failure = native().unstage(staged, results);
    if (failure === undefined && refusal !== undefined) throw refusal;
    return failure;
  }

  #lent(job: Job, from: number, to: number): Sorted {
    const slots: number[] = [];
    for (let slot = from; slot < to; slot++) if (job.views[slot] instanceof LentMemory) slots.push(slot);
    const isFloat = (slot: number): boolean => dtypes[job.dtypes[slot] as number] === 'float32';
    const floats = slots.filter(isFloat);
    const sorted = [...floats, ...slots.filter((slot) => !isFloat(slot))];
    const memories = sorted.map((slot) => job.views[slot] as LentMemory);
    return { slots: sorted, memories, floats: floats.length };
  }

  #attributes(inputs: Sorted, outputs: Sorted) {
    const counts = {
      F: inputs.floats,
      I: inputs.slots.length - inputs.floats,
      G: outputs.floats,
      J: outputs.slots.length - outputs.floats,
    };
    const type = this.#backend.binding.TF_ATTR_INT;
    return Object.entries(counts).map(([name, value]) => ({ name, type, value }));
  }
}
