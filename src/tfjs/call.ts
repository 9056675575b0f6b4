// A call from tfjs: losses.name(options)(...tensors). Checks what tfjs may hand over and brings labels into the form that
// losses take; shapes, options and values are judged by the loss itself.

import { tensor } from '../create.js';
import { CutlossError } from '../errors.js';
import { checkOptions } from '../options.js';
import { bracketed, expected, isArray, isObject, listOf } from '../validate.js';
import { sameShape, type TensorLike } from '../view.js';
import { readTfTensor } from './convert.js';
import type { BoundLoss, Kernels } from './kernel.js';
import type { BridgedLoss } from './losses.js';
import { isTfTensor, type Tfjs, type TfTensor } from './tf.js';

/** Options of our losses that have no meaning here. */
const driven: Readonly<Record<string, string>> = {
  upstream: 'tfjs brings the upstream gradient',
  out: 'tfjs owns its gradients',
  outputs: 'a tensor is all that it returns',
  signal: 'operations of tfjs are synchronous',
  copy: 'operations of tfjs are synchronous',
};

/** losses.name, whatever its types say. */
export type BoundFunction = (options?: unknown) => (...tensors: unknown[]) => TfTensor;

export function bindLoss(tf: Tfjs, kernels: Kernels, name: string, entry: BridgedLoss): BoundFunction {
  const kernel = `Cutloss${name.replace(/^./, (letter) => letter.toUpperCase())}`;
  const readGrads = listOf(...entry.differentiable);
  const order = `options come first, losses.${name}(options)(${entry.inputs.join(', ')})`;
  const instead = (what: string): CutlossError =>
    new CutlossError(
      'ERR_CUTLOSS_OPTION',
      `Expected options for losses.${name} but received ${what}: ${order}`,
    );
  return (given = {}) => {
    if (isTfTensor(given)) throw instead('a tensor');
    if (!isObject(given))
      throw expected('ERR_CUTLOSS_OPTION', 'an object', `the options of ${name}`, given, order);
    const { grads, ...options } = given;
    for (const [option, why] of Object.entries(driven)) {
      if (options[option] === undefined) continue;
      throw new CutlossError(
        'ERR_CUTLOSS_OPTION',
        `Expected no option ${option} for losses.${name} but received one: ${why}`,
        { name: option },
      );
    }
    const differentiable = grads === undefined ? entry.differentiable : readGrads(grads, 'grads');
    const constants: Record<string, TensorLike> = {};
    const kept: Record<string, TfTensor> = {};
    for (const constant of entry.constants) {
      const value = options[constant];
      delete options[constant];
      if (value === undefined) continue;
      if (isTfTensor(value)) kept[constant] = value;
      else constants[constant] = isArray(value) ? tensor(value as number[]) : (value as TensorLike);
    }
    const input = entry.inputs.find((each) => options[each] !== undefined);
    if (input !== undefined) throw instead(`the input ${input}`);
    checkOptions(name, options);
    const bound: BoundLoss = {
      kernel,
      loss: entry.loss,
      options,
      constants,
      differentiable,
      prepare: (tensors) => prepare(tf, entry, tensors),
    };

    return (...tensors) => {
      const named = nameTensors(name, entry, tensors);
      for (const [constant, value] of Object.entries(kept)) {
        named[constant] ??= readTfTensor(value, constant);
      }
      return kernels.call(bound, named);
    };
  };
}

function nameTensors(name: string, { inputs, required }: BridgedLoss, tensors: unknown[]) {
  const named: Record<string, TfTensor> = {};
  if (tensors.length > inputs.length) {
    const call = `losses.${name}(options)(${inputs.join(', ')})`;
    const message = `Expected at most ${inputs.length} tensors for ${call} but received ${tensors.length}`;
    throw new CutlossError('ERR_CUTLOSS_OPTION', message);
  }
  for (const [i, input] of inputs.entries()) {
    if (i >= required && tensors[i] === undefined) continue;
    named[input] = readTfTensor(tensors[i], input);
  }
  return named;
}

/** One-hot labels of any dtype become probabilities, class ids lose a last axis of 1, and booleans become numbers. */
function prepare(
  tf: Tfjs,
  { labels: [name, of], ids }: BridgedLoss,
  tensors: Readonly<Record<string, TfTensor>>,
): Readonly<Record<string, TfTensor>> {
  const all: Record<string, TfTensor> = { ...tensors };
  const labels = all[name] as TfTensor;
  const { shape } = all[of] as TfTensor;
  if (sameShape(labels.shape, shape)) {
    if (labels.dtype !== 'float32') all[name] = tf.cast(labels, 'float32');
  } else if (ids) {
    all[name] = asIds(tf, labels, name, shape);
  }
  for (const [each, value] of Object.entries(all)) {
    if (value.dtype === 'bool') all[each] = tf.cast(value, 'float32');
  }
  return all;
}

function asIds(tf: Tfjs, labels: TfTensor, name: string, shape: readonly number[]): TfTensor {
  const rows = shape.slice(0, -1);
  const column = sameShape(labels.shape, [...rows, 1]);
  if (labels.dtype === 'float32' && (column || sameShape(labels.shape, rows))) {
    throw new CutlossError(
      'ERR_CUTLOSS_DTYPE',
      `Expected int32, as class ids are, for ${name} of shape ${bracketed(labels.shape)} but received float32: ${name}.toInt() converts them`,
      { name, dtype: labels.dtype },
    );
  }
  return column ? tf.reshape(labels, rows) : labels;
}
