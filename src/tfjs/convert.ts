// Tensors of tfjs as ours, and back.

import { tensor } from '../create.js';
import { CutlossError } from '../errors.js';
import { fromBFloat16, fromFloat16 } from '../float16.js';
import { isTensor, type Tensor } from '../tensor.js';
import { choice, expected } from '../validate.js';
import { elementsOf } from './backend-memory.js';
import { isTfTensor, type Tfjs, type TfTensor } from './tf.js';

const numeric = ['float32', 'int32', 'bool'] as const;
type Numeric = (typeof numeric)[number];

/** A live tensor of tfjs whose elements are numbers. */
export function readTfTensor(value: unknown, name: string): TfTensor & { readonly dtype: Numeric } {
  if (!isTfTensor(value)) {
    const advice = isTensor(value) ? 'toTf() of bind(tf) makes one of a Tensor of cutloss' : undefined;
    throw expected('ERR_CUTLOSS_DTYPE', 'a tensor of tfjs', name, value, advice);
  }
  if (value.isDisposed) {
    const message = `Expected a live tensor for ${name} but received a disposed one`;
    throw new CutlossError('ERR_CUTLOSS_DISPOSED', message, { name });
  }
  if (numeric.includes(value.dtype as Numeric)) return value as TfTensor & { dtype: Numeric };
  throw new CutlossError(
    'ERR_CUTLOSS_DTYPE',
    `Expected ${choice(numeric)} as the dtype of ${name} but received '${value.dtype}'`,
    { name, dtype: value.dtype },
  );
}

export function fromTf(value: unknown): Tensor<Numeric> {
  const given = readTfTensor(value, 'the tensor');
  return tensor(elementsOf(given.dataSync(), given.dtype), given.shape, given.dtype);
}

export function toTf(tf: Tfjs, value: unknown): TfTensor {
  if (!isTensor(value)) throw expected('ERR_CUTLOSS_DTYPE', 'a Tensor of cutloss', 'the tensor', value);
  const { shape, dtype } = value;
  const data = value.dataSync() as Uint16Array;
  switch (dtype) {
    case 'float32':
    case 'int32':
    case 'bool':
      return tf.tensor(data, [...shape], dtype);
    case 'float16':
      return tf.tensor(fromFloat16(data), [...shape], 'float32');
    case 'bfloat16':
      return tf.tensor(fromBFloat16(data), [...shape], 'float32');
    case 'uint8':
      return tf.tensor(Int32Array.from(data), [...shape], 'int32');
    default:
      throw new CutlossError(
        'ERR_CUTLOSS_DTYPE',
        `Expected a dtype that tfjs can hold but received '${dtype}'`,
      );
  }
}
