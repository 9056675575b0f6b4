// cutCrossEntropy in float64 and plain loops: the logits are built, which is what the engines never do, and handed to
// the reference of crossEntropy; the three gradients follow by the chain rule.
//
//   z = softcap(hidden · classifierᵀ / temperature + bias)

import { type CrossEntropyOptions, type CrossEntropyResult, crossEntropy } from './cross-entropy.js';

export interface CutCrossEntropyInputs {
  readonly hidden: ArrayLike<number>; // [rows, dim]
  readonly classifier: ArrayLike<number>; // [classes, dim]
  readonly bias?: ArrayLike<number>; // [classes]
  readonly dim: number;
  readonly classes: number;
  readonly targets: ArrayLike<number>; // class ids [rows]
  readonly weights?: ArrayLike<number>; // [rows]
  readonly classWeights?: ArrayLike<number>; // [classes]
}

export interface CutCrossEntropyResult extends CrossEntropyResult {
  logits: Float64Array; // [rows, classes], before the cap
  hiddenGradient: Float64Array; // [rows, dim]
  classifierGradient: Float64Array; // [classes, dim]
  biasGradient: Float64Array; // [classes]
}

export function logitsOf(
  { hidden, classifier, bias, dim, classes }: CutCrossEntropyInputs,
  temperature = 1,
): Float64Array {
  const rows = hidden.length / dim;
  const logits = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < classes; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++)
        sum += (hidden[i * dim + k] as number) * (classifier[j * dim + k] as number);
      logits[i * classes + j] = sum / temperature + (bias ? (bias[j] as number) : 0);
    }
  }
  return logits;
}

export function cutCrossEntropy(
  inputs: CutCrossEntropyInputs,
  options: CrossEntropyOptions = {},
): CutCrossEntropyResult {
  const { hidden, classifier, dim, classes } = inputs;
  const { temperature = 1, ...rest } = options;
  const logits = logitsOf(inputs, temperature);
  const result = crossEntropy({ ...inputs, logits }, rest);

  const hiddenGradient = new Float64Array(hidden.length);
  const classifierGradient = new Float64Array(classifier.length);
  const biasGradient = new Float64Array(classes);
  for (let i = 0; i < hidden.length / dim; i++) {
    for (let j = 0; j < classes; j++) {
      const slope = result.gradient[i * classes + j] as number;
      if (slope === 0) continue; // exactly nothing, whatever stands in the row
      biasGradient[j] = (biasGradient[j] as number) + slope;
      for (let k = 0; k < dim; k++) {
        const [e, c] = [i * dim + k, j * dim + k];
        hiddenGradient[e] = (hiddenGradient[e] as number) + (slope / temperature) * (classifier[c] as number);
        classifierGradient[c] =
          (classifierGradient[c] as number) + (slope / temperature) * (hidden[e] as number);
      }
    }
  }
  return { ...result, logits, hiddenGradient, classifierGradient, biasGradient };
}
