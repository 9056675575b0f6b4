// crossEntropy in float64 and plain loops, with every option the contract gives it: the truth that each engine is
// measured against. Written from the mathematics, one row at a time; its gradient is derived by hand and checked by
// finite differences, and its values against PyTorch's (test/golden).
//
//   z_j = softcap(logit_j / temperature)      p = softmax(z)      lse = log sum exp z
//   class id y:     w_y (1 - a) objective(p_y) - (a / V) sum_j w_j log p_j + c lse^2        a: smoothing, c: z-loss
//   distribution t: -sum_j w_j (t_j (1 - a) + a / V) log p_j + c lse^2
//   times the row's weight r; 'mean' divides by sum r w_y (class ids) or sum r (distributions), or by `divisor`

import {
  crossEntropyObjective,
  type Objective,
  passAtN,
  type TargetProbability,
  type Term,
} from './objectives.js';

export interface CrossEntropyInputs {
  readonly logits: ArrayLike<number>; // [rows, classes]
  readonly classes: number;
  readonly targets?: ArrayLike<number>; // class ids [rows]
  readonly probabilities?: ArrayLike<number>; // or distributions [rows, classes]
  readonly weights?: ArrayLike<number>; // [rows]
  readonly classWeights?: ArrayLike<number>; // [classes]
}

export interface CrossEntropyOptions {
  /**
   * A function of one row; of sequences of rows, whose log p may come from elsewhere, rounded as an engine stores it; or
   * the values that a function of the whole batch gave.
   */
  readonly objective?:
    | Objective
    | { readonly passAtN: number; readonly segments: ArrayLike<number>; readonly logProb?: ArrayLike<number> }
    | { readonly loss: ArrayLike<number>; readonly weights: ArrayLike<number> };
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
  readonly zLoss?: number;
  readonly softcap?: number;
  readonly temperature?: number;
  readonly shift?: number;
  readonly time?: number; // rows of one sequence, for shift
  readonly divisor?: number;
  readonly reduction?: 'mean' | 'sum' | 'none';
  readonly upstream?: number | ArrayLike<number>;
}

export interface CrossEntropyResult {
  loss: number;
  lossMagnitude: number; // sum of the sizes of what `loss` adds up
  denominator: number; // what the sum over rows is divided by
  rows: number; // that counted
  perItem: Float64Array;
  perItemMagnitude: Float64Array; // sum of the sizes of an item's terms
  gradient: Float64Array;
  gradientMagnitude: Float64Array; // likewise for an element
  logProb: Float64Array;
  lse: Float64Array;
  entropy: Float64Array;
  argmax: Int32Array; // the first of equals
}

interface Row {
  z: Float64Array;
  slope: Float64Array; // dz/dlogit
  p: Float64Array;
  logP: (j: number) => TargetProbability;
  lse: number;
  entropy: number;
  argmax: number;
  label: number; // the class id, or -1 for a row that predicts nothing
  target?: TargetProbability;
}

function forward(
  logits: ArrayLike<number>,
  start: number,
  classes: number,
  options: CrossEntropyOptions,
): Row {
  const { softcap: cap, temperature = 1 } = options;
  const z = new Float64Array(classes);
  const slope = new Float64Array(classes);
  let max = -Infinity;
  let argmax = 0;
  for (let j = 0; j < classes; j++) {
    const scaled = (logits[start + j] as number) / temperature;
    z[j] = cap === undefined ? scaled : cap * Math.tanh(scaled / cap);
    slope[j] = (cap === undefined ? 1 : Math.cosh(scaled / cap) ** -2) / temperature; // 1 - tanh^2
    if ((z[j] as number) > max) max = z[j] as number;
    if ((logits[start + j] as number) > (logits[start + argmax] as number)) argmax = j; // softcap keeps the order
  }
  let sum = 0;
  for (const value of z) sum += Math.exp(value - max);
  // max + log sum is lse, but among logits of -1e20 the logarithm would be lost in it
  const beyondMax = Math.log(sum);
  const p = z.map((value) => Math.exp(value - max - beyondMax));
  const logP = (j: number): TargetProbability => logProbability(z, p, max, beyondMax, j);
  let entropy = 0; // -sum p log p; log p from the ratio of p to the others where p is nearly 1
  for (let j = 0; j < classes; j++) if (p[j] !== 0) entropy -= (p[j] as number) * logP(j).logP;
  return { z, slope, p, logP, lse: max + beyondMax, entropy, argmax, label: -1 };
}

/** log p_y and 1 - p_y, exact as p_y -> 1: there they live in the other classes' share. */
function logProbability(
  z: Float64Array,
  p: Float64Array,
  max: number,
  beyondMax: number,
  y: number,
): TargetProbability {
  const own = z[y] as number;
  if (!((p[y] as number) > 0.5)) {
    return { p: p[y] as number, q: 1 - (p[y] as number), logP: own - max - beyondMax };
  }
  let odds = 0;
  for (let j = 0; j < z.length; j++) if (j !== y) odds += Math.exp((z[j] as number) - own);
  return { p: 1 / (1 + odds), q: odds / (1 + odds), logP: -Math.log1p(odds) };
}

export function crossEntropy(
  inputs: CrossEntropyInputs,
  options: CrossEntropyOptions = {},
): CrossEntropyResult {
  const { logits, classes, targets, probabilities, weights, classWeights } = inputs;
  const {
    ignoreIndex = -100,
    labelSmoothing = 0,
    zLoss = 0,
    shift = 0,
    reduction = 'mean',
    upstream = 1,
  } = options;
  const count = logits.length / classes;
  const time = options.time ?? count;
  const weightOf = (row: number): number => (weights ? (weights[row] as number) : 1);
  const classWeight = (j: number): number => (classWeights ? (classWeights[j] as number) : 1);

  const rows: Row[] = [];
  for (let i = 0; i < count; i++) {
    const row = forward(logits, i * classes, classes, options);
    const predicts = (i % time) + shift < time;
    const label = targets && predicts ? Number(targets[i + shift]) : ignoreIndex;
    if (targets && label !== ignoreIndex) {
      row.label = label;
      row.target = row.logP(label);
    }
    rows.push(row);
  }
  const counts = (i: number): boolean => probabilities !== undefined || (rows[i] as Row).label >= 0;
  const terms = evaluate(rows, options.objective ?? crossEntropyObjective);

  let denominator = 0;
  let counted = 0;
  for (let i = 0; i < count; i++) {
    if (!counts(i)) continue;
    counted++;
    denominator += weightOf(i) * (probabilities ? 1 : classWeight((rows[i] as Row).label));
  }
  if (reduction !== 'mean') denominator = 1;
  else if (options.divisor !== undefined) denominator = options.divisor;

  const result: CrossEntropyResult = {
    loss: 0,
    lossMagnitude: 0,
    denominator,
    rows: counted,
    perItem: new Float64Array(count),
    perItemMagnitude: new Float64Array(count),
    gradient: new Float64Array(count * classes),
    gradientMagnitude: new Float64Array(count * classes),
    logProb: Float64Array.from(rows, (row) => row.target?.logP ?? 0),
    lse: Float64Array.from(rows, (row) => row.lse),
    entropy: Float64Array.from(rows, (row) => row.entropy),
    argmax: Int32Array.from(rows, (row, i) => (counts(i) ? row.argmax : -1)),
  };

  for (let i = 0; i < count; i++) {
    if (!counts(i)) continue;
    const { slope, p, logP, lse, label, target } = rows[i] as Row;
    const share = (j: number): number => {
      // what multiplies -log p_j beyond the objective's own term
      const given = probabilities ? (probabilities[i * classes + j] as number) * (1 - labelSmoothing) : 0;
      return classWeight(j) * (given + labelSmoothing / classes);
    };
    const pull = label >= 0 ? classWeight(label) * (1 - labelSmoothing) : 0;
    const term = terms[i];

    let value = pull === 0 ? 0 : pull * (term as Term).value;
    let magnitude = Math.abs(value);
    let shares = 0;
    if (probabilities || labelSmoothing !== 0) {
      for (let j = 0; j < classes; j++) {
        const part = share(j) === 0 ? 0 : share(j) * -logP(j).logP;
        shares += share(j);
        value += part;
        magnitude += Math.abs(part);
      }
    }
    value += zLoss === 0 ? 0 : zLoss * lse * lse;
    magnitude += zLoss === 0 ? 0 : Math.abs(zLoss * lse * lse);
    if (weightOf(i) === 0) continue; // no part of anything, whatever the row holds
    result.perItem[i] = weightOf(i) * value;
    result.perItemMagnitude[i] = Math.abs(weightOf(i)) * magnitude;
    result.loss += (weightOf(i) * value) / denominator;
    result.lossMagnitude += (Math.abs(weightOf(i)) * magnitude) / Math.abs(denominator);

    const scale =
      (weightOf(i) * (typeof upstream === 'number' ? upstream : (upstream[i] as number))) / denominator;
    if (scale === 0) continue; // exactly 0, whatever the row holds
    const spread = shares + (zLoss === 0 ? 0 : 2 * zLoss * lse);
    for (let j = 0; j < classes; j++) {
      // d/dz_j of the objective: -w (p_y - 1) for the target, formed from 1 - p; w p_j for the others
      const objective =
        pull === 0
          ? 0
          : pull *
            (term as Term).weight *
            (j === label ? -(target as TargetProbability).q : (p[j] as number));
      const softmax = spread === 0 ? 0 : spread * (p[j] as number);
      const taken = shares === 0 ? 0 : share(j);
      const chain = scale * (slope[j] as number);
      result.gradient[i * classes + j] = chain * (objective + softmax - taken);
      result.gradientMagnitude[i * classes + j] =
        Math.abs(chain) * (Math.abs(objective) + Math.abs(softmax) + Math.abs(taken));
    }
  }
  return result;
}

function evaluate(
  rows: readonly Row[],
  objective: NonNullable<CrossEntropyOptions['objective']>,
): (Term | undefined)[] {
  if (typeof objective === 'function') return rows.map((row) => row.target && objective(row.target));
  if ('passAtN' in objective) {
    const { logProb, segments } = objective;
    const rounded = (x: number): TargetProbability => ({ p: Math.exp(x), q: -Math.expm1(x), logP: x });
    const targets = rows.map(({ target }, i) => target && (logProb ? rounded(logProb[i] as number) : target));
    return passAtN(targets, segments, objective.passAtN);
  }
  return rows.map((_, i) => ({ value: objective.loss[i] as number, weight: objective.weights[i] as number }));
}
