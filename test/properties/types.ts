// The inputs of crossEntropy with plain views, so that the tests can reach into the memory they made.

export interface PlainView<Data> {
  readonly data: Data;
  readonly shape: readonly number[];
  readonly dtype?: 'float32' | 'float16' | 'bfloat16';
}

export interface CrossEntropyInputs {
  readonly logits: PlainView<Float32Array | Uint16Array>;
  readonly targets: PlainView<Int32Array>;
  readonly weights?: PlainView<Float32Array>;
  readonly classWeights?: PlainView<Float32Array>;
}
