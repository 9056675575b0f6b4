// Results as bits: two results are equal here only if every byte of every tensor and the loss itself are.

import type { RowResult, Tensor } from 'cutloss';

const tensors = ['perItem', 'logProb', 'lse', 'entropy', 'argmax'] as const;

export function bytes(array: ArrayBufferView): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('latin1');
}

/** Everything a result holds, comparable with toEqual. */
export function bitsOf(result: RowResult<'logits'>): Record<string, string | number | undefined> {
  const of = (tensor?: Tensor): string | undefined => tensor && bytes(tensor.dataSync());
  const named = Object.fromEntries(tensors.map((name) => [name, of(result[name])]));
  return {
    loss: bytes(Float64Array.of(result.loss)),
    rows: result.rows,
    gradient: of(result.grads.logits),
    ...named,
  };
}
