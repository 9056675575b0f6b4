// How far rounding moves the answers of cutCrossEntropy, whoever computes them. The logits of crossEntropy are given; here
// they are float32 dot products, whose rounding errors no later step can undo. Each is taken as independent, and what
// follows is the size of one standard deviation (an upper bound of it: each error is taken at its largest).
//
//   logit     d a_ij   = u sqrt(sum_k s_k^2)              s_k: partial sums of the dot product, u = 2^-24
//   exponent  d z_ij^2 = (slope d a)^2 + (u z)^2 + (u (z - max))^2 + (2 u)^2     z rounded, reduced, its exponential
//   lse       d lse_i^2 = sum_j (p_j d z_j)^2 + (u lse)^2 + (2 u)^2              a sum of exponentials, the largest 1
//   gradient  d g_ij from d z_ij and d lse_i through p_j, 1 - p_y and the row's weight; then, where a gradient is
//             multiplied as 16 bits, the rounding of g_ij itself, taken twice: as independent errors, and as the
//             error that rounding the exact g_ij makes, since equal elements are rounded alike (float16 with an
//             exponent that suits the largest: float16's own would make small ones subnormal)
//   products  d G^2 = sum_j (d g_ij C_jk)^2 + u^2 sum_j S_j^2                   S_j: partial sums
//
// An answer is then judged as everywhere, against the rounding of the exact answer, with this noise beside it.

import type { CrossEntropyOptions } from '../reference/cross-entropy.js';
import type { CutCrossEntropyInputs, CutCrossEntropyResult } from '../reference/cut-cross-entropy.js';
import { type FloatDType, roundTo } from '../support/dtypes.js';

const u = 2 ** -24;

export interface CutNoise {
  loss: number;
  perItem: Float64Array;
  logProb: Float64Array;
  lse: Float64Array;
  entropy: Float64Array;
  logits: Float64Array; // [rows, classes]
  hidden: Float64Array;
  classifier: Float64Array;
  bias: Float64Array;
}

export interface CutNoiseOptions extends CrossEntropyOptions {
  /** As what the gradient by the logits is multiplied with hidden and classifier. */
  readonly gradientDType?: FloatDType;
}

export function cutNoise(
  inputs: CutCrossEntropyInputs,
  options: CutNoiseOptions,
  exact: CutCrossEntropyResult,
): CutNoise {
  const { hidden, classifier, dim, classes, targets, weights, classWeights } = inputs;
  const {
    temperature = 1,
    softcap,
    zLoss = 0,
    labelSmoothing = 0,
    shift = 0,
    gradientDType = 'float32',
  } = options;
  const rows = hidden.length / dim;
  const time = options.time ?? rows;
  const noise: CutNoise = {
    loss: 0,
    perItem: new Float64Array(rows),
    logProb: new Float64Array(rows),
    lse: new Float64Array(rows),
    entropy: new Float64Array(rows),
    logits: new Float64Array(rows * classes),
    hidden: new Float64Array(hidden.length),
    classifier: new Float64Array(classifier.length),
    bias: new Float64Array(classes),
  };
  const rounded = gradientDType !== 'float32';
  const step = { float32: 0, bfloat16: 2 ** -9, float16: 2 ** -12 }[gradientDType];
  const largest = exact.gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  const lift = gradientDType === 'float16' && largest > 0 ? 2 ** (13 - Math.floor(Math.log2(largest))) : 1;
  const roundings = {
    hidden: new Float64Array(hidden.length),
    classifier: new Float64Array(classifier.length),
  };
  const sums = {
    hidden: new Float64Array(hidden.length),
    classifier: new Float64Array(classifier.length),
    bias: new Float64Array(classes),
  };

  for (let i = 0; i < rows; i++) {
    // z, p and their noise
    const z = new Float64Array(classes);
    const slope = new Float64Array(classes);
    const dz = new Float64Array(classes);
    let max = -Infinity;
    for (let j = 0; j < classes; j++) {
      const a = exact.logits[i * classes + j] as number;
      z[j] = softcap === undefined ? a : softcap * Math.tanh(a / softcap);
      slope[j] = softcap === undefined ? 1 : Math.cosh(a / softcap) ** -2;
      if ((z[j] as number) > max) max = z[j] as number;
    }
    for (let j = 0; j < classes; j++) {
      let partial = 0;
      let square = 0;
      for (let k = 0; k < dim; k++) {
        partial += (hidden[i * dim + k] as number) * (classifier[j * dim + k] as number);
        square += partial * partial;
      }
      const da = (u * Math.sqrt(square)) / temperature;
      const own = z[j] as number;
      noise.logits[i * classes + j] = da + u * Math.abs(own);
      dz[j] = Number.isFinite(own)
        ? Math.hypot((slope[j] as number) * da, u * own, u * (own - max), 2 * u)
        : 0;
    }
    const lse = exact.lse[i] as number;
    const p = z.map((value) => Math.exp(value - lse));
    const quadrature = (part: (j: number) => number): number => {
      let sum = 0;
      for (let j = 0; j < classes; j++) sum += part(j) ** 2;
      return Math.sqrt(sum);
    };
    const at = (array: Float64Array, j: number): number => array[j] as number;
    const dLse = Math.hypot(
      quadrature((j) => at(p, j) * at(dz, j)),
      u * lse,
      2 * u,
    );
    noise.lse[i] = dLse;
    const h = exact.entropy[i] as number;
    const surprise = (j: number): number => (at(p, j) === 0 ? 0 : at(p, j) * Math.abs(lse - at(z, j)));
    noise.entropy[i] = Math.hypot(
      quadrature((j) => (at(p, j) === 0 ? 0 : at(p, j) * (lse - at(z, j) - h) * at(dz, j))),
      quadrature(surprise) * 2 * u,
      u * (lse - max),
      2 * u,
    );

    const y = (i % time) + shift < time ? Number(targets[i + shift]) : -1;
    const counts = (exact.argmax[i] as number) >= 0;
    if (!counts) continue;
    // log p = -softplus(x): its noise is the odds' own, less as p -> 1
    const q = -Math.expm1(exact.logProb[i] as number);
    const dx = Math.hypot(
      at(dz, y),
      quadrature((j) => (j === y || q === 0 ? 0 : (at(p, j) / q) * at(dz, j))),
    );
    noise.logProb[i] = q * dx;

    const scale = rowScale(i, options, exact, weights);
    const pull = (classWeights ? (classWeights[y] as number) : 1) * (1 - labelSmoothing);
    const steepness = Math.abs(scale.gradient * at(slope, y) * pull * q);
    const pulled = Math.abs(exact.gradient[i * classes + y] as number) / steepness;
    const weight = objectiveWeight(
      options.objective,
      exact.logProb[i] as number,
      steepness === 0 ? 1 : pulled,
    );
    const smooth = (j: number): number =>
      ((classWeights ? (classWeights[j] as number) : 1) * labelSmoothing) / classes;
    let shares = 0;
    for (let j = 0; j < classes; j++) shares += labelSmoothing === 0 ? 0 : smooth(j);
    const spread = shares + 2 * zLoss * lse;
    const pushed = Math.hypot(weight.value * pull * q * dx, spread * dLse);
    const smoothed = labelSmoothing === 0 ? 0 : quadrature((j) => smooth(j) * at(dz, j));
    noise.perItem[i] = Math.abs(weightOf(weights, i)) * Math.hypot(pushed, smoothed);
    noise.loss += (scale.loss * Math.hypot(pushed, smoothed)) ** 2;

    for (let j = 0; j < classes; j++) {
      const g = exact.gradient[i * classes + j] as number;
      if (scale.gradient === 0) continue;
      const chain = Math.abs(scale.gradient) * at(slope, j);
      const factor = Math.abs(pull * weight.value + spread);
      const relative = j === y ? 0 : Math.hypot(at(dz, j), dLse, 2 * u);
      let dg =
        chain *
        Math.hypot(
          factor * at(p, j) * relative,
          j === y
            ? pull * weight.value * q * (dx + 2 * u) + Math.abs(spread) * at(p, j) * (dLse + at(dz, j))
            : 0,
          at(p, j) * 2 * zLoss * dLse,
          (j === y ? q : at(p, j)) * pull * weight.slope * q * dx,
        );
      const tanh = softcap === undefined ? 0 : Math.abs(at(z, j)) / softcap;
      if (softcap !== undefined) {
        const a = exact.logits[i * classes + j] as number;
        dg +=
          Math.abs(g) *
          ((2 * tanh * (noise.logits[i * classes + j] as number)) / softcap + u * Math.abs(a / softcap));
      }
      if (j !== y) dg = Math.hypot(dg, step * g);
      const off =
        rounded && j !== y ? roundTo((g / temperature) * lift, gradientDType) / lift - g / temperature : 0;
      sums.bias[j] = at(sums.bias, j) + g;
      noise.bias[j] = at(noise.bias, j) + dg * dg + (u * at(sums.bias, j)) ** 2;
      for (let k = 0; k < dim; k++) {
        const [e, c] = [i * dim + k, j * dim + k];
        const [he, cc] = [hidden[e] as number, classifier[c] as number];
        sums.hidden[e] = at(sums.hidden, e) + (g / temperature) * cc;
        sums.classifier[c] = at(sums.classifier, c) + (g / temperature) * he;
        roundings.hidden[e] = at(roundings.hidden, e) + off * cc;
        roundings.classifier[c] = at(roundings.classifier, c) + off * he;
        noise.hidden[e] =
          at(noise.hidden, e) + ((dg / temperature) * cc) ** 2 + (u * at(sums.hidden, e)) ** 2;
        noise.classifier[c] =
          at(noise.classifier, c) + ((dg / temperature) * he) ** 2 + (u * at(sums.classifier, c)) ** 2;
      }
    }
  }
  noise.bias = noise.bias.map(Math.sqrt);
  for (const name of ['hidden', 'classifier'] as const)
    noise[name] = noise[name].map((square, i) => Math.hypot(Math.sqrt(square), roundings[name][i] as number));
  noise.loss = Math.sqrt(noise.loss);
  return noise;
}

const weightOf = (weights: ArrayLike<number> | undefined, i: number): number =>
  weights ? (weights[i] as number) : 1;

/** What a row's value is multiplied with in the loss, and its slope in the gradient. */
function rowScale(
  i: number,
  { upstream = 1 }: CutNoiseOptions,
  { denominator }: CutCrossEntropyResult,
  weights: ArrayLike<number> | undefined,
): { loss: number; gradient: number } {
  const weight = weightOf(weights, i) / denominator;
  return {
    loss: weight,
    gradient: weight * (typeof upstream === 'number' ? upstream : (upstream[i] as number)),
  };
}

/** The objective's weight at log p, and how it changes with log p; one that came with the request is `given`. */
function objectiveWeight(
  objective: CrossEntropyOptions['objective'],
  logP: number,
  given: number,
): { value: number; slope: number } {
  if (objective === undefined) return { value: 1, slope: 0 };
  if (typeof objective !== 'function') return { value: given, slope: 0 };
  const at = (x: number): number =>
    Math.abs(objective({ p: Math.exp(x), q: -Math.expm1(x), logP: x }).weight);
  const step = Math.max(1e-6, 1e-6 * Math.abs(logP));
  const [low, high] = [at(Math.min(logP - step, -step)), at(Math.min(logP, -step / 2))];
  return { value: high, slope: Math.abs(high - low) / step };
}
