// Losses of regions in float64 and plain loops, with every option of the contract: the truth that each engine is measured
// against. Predictions are [batch, pixels, classes]; a layout is for the suites to undo. Written from the papers; the
// gradient is derived by hand, but for the metrics of the confusion matrix, and checked by finite differences.
//
//   I = Σ m q y   P = Σ m q   Y = Σ m y   A = Σ m q²   B = Σ m y²   T = Σ m |q − y|   n = Σ m

import { lovasz } from './lovasz.js';
import { type Judged, judge, type Moments } from './region-indices.js';
import { type Pixel, pixelTerm, roundedFactors, sum, type Term } from './region-terms.js';
import { skeletonRecall } from './skeleton-recall.js';
import { softClDice } from './soft-cl-dice.js';

export type Kind =
  | 'dice'
  | 'jaccard'
  | 'tversky'
  | 'generalizedDice'
  | 'selfAdjustingDice'
  | 'anyLoss'
  | 'asymmetric'
  | 'lovasz'
  | 'softClDice'
  | 'skeletonRecall';

export interface RegionInputs {
  readonly predictions: ArrayLike<number>; // [batch, pixels, classes]
  readonly batch: number;
  readonly classes: number;
  readonly targets?: ArrayLike<number>; // class ids [batch, pixels]
  readonly labels?: ArrayLike<number>; // or labels [batch, pixels, classes]
  readonly mask?: ArrayLike<number>; // [batch, pixels]
  readonly classWeights?: ArrayLike<number>;
  readonly space?: readonly number[]; // of an image, where its shape matters
}

export interface RegionOptions {
  readonly activation?: 'softmax' | 'sigmoid' | 'none';
  readonly over?: 'imageClass' | 'class' | 'image' | 'all';
  readonly background?: boolean;
  readonly ignoreIndex?: number;
  readonly smooth?: number | { readonly numerator: number; readonly denominator: number };
  readonly squared?: boolean;
  readonly labels?: 'product' | 'l1';
  readonly absent?: 'count' | 'zero' | 'drop';
  readonly exponent?: number;
  readonly log?: boolean;
  readonly crossEntropy?: number;
  readonly focal?: { readonly weight: number; readonly gamma?: number; readonly alpha?: number };
  readonly alpha?: number; // tversky, selfAdjustingDice
  readonly beta?: number; // tversky, anyLoss
  readonly weighting?: 'square' | 'simple' | 'uniform';
  readonly classes?: 'present' | 'all'; // lovasz
  readonly iterations?: number; // softClDice
  readonly tube?: number; // skeletonRecall
  readonly weight?: number; // softClDice
  readonly metric?: 'fBeta' | 'accuracy' | 'balancedAccuracy' | 'gMean' | 'mcc';
  readonly amplify?: number;
  readonly gammaPositive?: number;
  readonly gammaNegative?: number;
  readonly margin?: number;
  readonly reduction?: 'mean' | 'sum' | 'none';
  readonly upstream?: number | ArrayLike<number>;
}

export interface RegionResult {
  loss: number;
  lossMagnitude: number; // sum of the sizes of what `loss` adds up
  regions: number; // that counted
  perItem: Float64Array;
  perItemMagnitude: Float64Array;
  gradient: Float64Array;
  gradientMagnitude: Float64Array;
  moments: Moments[]; // of each region, unweighted
}

/** What a loss of whole planes gives for each region: the loss, and its slope by the prediction of a class at a pixel. */
export interface PlaneLoss {
  readonly values: ArrayLike<number>;
  readonly slopes: ArrayLike<number>; // [batch, pixels, classes]
  readonly sizes: ArrayLike<number>; // of what each slope adds up
  readonly share: number; // of the loss; the rest is the index of the moments
}

/** Where a pixel's class belongs. */
export interface Grouping {
  readonly regions: number;
  readonly first: number;
  readonly classes: number;
  readonly images: number;
  readonly space: readonly number[];
  regionOf(pixel: number, class_: number): number;
  classWeight(class_: number): number; // within its region
}

const planeLosses: Readonly<
  Partial<Record<Kind, (pixels: readonly Pixel[], grouping: Grouping, o: RegionOptions) => PlaneLoss>>
> = { lovasz, skeletonRecall, softClDice };

const defaults: Readonly<Partial<Record<Kind, RegionOptions>>> = {
  generalizedDice: { over: 'image', weighting: 'square' },
  selfAdjustingDice: { alpha: 1 },
  anyLoss: { activation: 'sigmoid', over: 'class', smooth: 0, metric: 'fBeta', beta: 1, amplify: 73 },
  lovasz: { absent: 'drop' },
  asymmetric: { activation: 'sigmoid', over: 'image', gammaPositive: 1, gammaNegative: 4, margin: 0.05 },
};

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
export function regionLoss(kind: Kind, inputs: RegionInputs, given: RegionOptions = {}): RegionResult {
  const all: RegionOptions = kind === 'lovasz' && given.classes === 'all' ? { absent: 'count' } : {};
  const background: RegionOptions = kind === 'skeletonRecall' ? { background: inputs.classes === 1 } : {};
  const o: RegionOptions = { ...defaults[kind], ...all, ...background, ...given };
  const { batch, classes } = inputs;
  const count = batch === 0 ? 0 : inputs.predictions.length / classes / batch;
  const pixels = Array.from({ length: batch * count }, (_, i) => readPixel(inputs, o, i));
  const first = o.background === false ? 1 : 0;
  const byImage = o.over === undefined || o.over === 'imageClass' || o.over === 'image';
  const byClass = o.over === undefined || o.over === 'imageClass' || o.over === 'class';
  const width = classes - first;
  const regionCount = (byImage ? batch : 1) * (byClass ? width : 1);
  const regionOf = (i: number, c: number): number =>
    (byImage ? Math.floor(i / count) : 0) * (byClass ? width : 1) + (byClass ? c - first : 0);

  // what a class weighs within its region
  const sizes = new Map<string, number>();
  const cell = (i: number, c: number): string => `${byImage ? Math.floor(i / count) : 0} ${c}`;
  pixels.forEach(({ y, weight }, i) => {
    for (let c = first; c < classes; c++)
      sizes.set(cell(i, c), (sizes.get(cell(i, c)) ?? 0) + (weight === 0 ? 0 : weight * (y[c] as number)));
  });
  const power = o.weighting === 'square' ? 2 : o.weighting === 'simple' ? 1 : 0;
  const inverse = (size: number): number => (kind === 'generalizedDice' ? size ** -power : 1);
  const withinWeight = (i: number, c: number): number => {
    const own = inverse(sizes.get(cell(i, c)) as number);
    const fellows = byClass ? [c] : Array.from({ length: width }, (_, k) => first + k);
    const finite = fellows.map((k) => inverse(sizes.get(cell(i, k)) as number)).filter(Number.isFinite);
    const weight = Number.isFinite(own) ? own : finite.length > 0 ? Math.max(...finite) : 1;
    return byClass ? weight : weight * Number(inputs.classWeights?.[c] ?? 1);
  };

  const empty = (): Moments => ({ I: 0, P: 0, Y: 0, A: 0, B: 0, M: 0, n: 0 });
  const plain = Array.from({ length: regionCount }, empty);
  const weighted = Array.from({ length: regionCount }, empty);
  pixels.forEach((pixel, i) => {
    if (pixel.weight === 0) return;
    for (let c = first; c < classes; c++) {
      const { value: q } = transform(kind, o, pixel.p[c] as number, pixel.rest[c] as number);
      const y = pixel.y[c] as number;
      const parts: Moments = { I: q * y, P: q, Y: y, A: q * q, B: y * y, M: Math.min(q, y), n: 1 };
      const region = regionOf(i, c);
      for (const name of Object.keys(parts) as (keyof Moments)[]) {
        (plain[region] as Moments)[name] += pixel.weight * parts[name];
        (weighted[region] as Moments)[name] += withinWeight(i, c) * pixel.weight * parts[name];
      }
    }
  });

  // the loss of each region
  const classWeight = (c: number): number => (byClass ? 1 : Number(inputs.classWeights?.[c] ?? 1));
  const planes = planeLosses[kind]?.(
    pixels,
    { regions: regionCount, first, classes, images: batch, space: inputs.space ?? [], regionOf, classWeight },
    o,
  );
  const losses = weighted.map((m, region) =>
    judge(kind, o, m, planes && { share: planes.share, index: 1 - (planes.values[region] as number) }),
  );
  const isEmpty = (m: Moments): boolean => m.Y === 0;
  const weights = weighted.map((m, region) =>
    o.absent === 'drop' && isEmpty(m)
      ? 0
      : byClass
        ? Number(inputs.classWeights?.[first + (region % width)] ?? 1)
        : 1,
  );
  weighted.forEach((m, region) => {
    if (m.n === 0 || (o.absent === 'zero' && isEmpty(m)) || kind === 'asymmetric')
      losses[region] = { value: 0, magnitude: 0, a: 0, b: 0, c: 0, d: 0, e: 0 };
  });
  const total = sum(weights);
  const reduction = o.reduction ?? 'mean';
  const factors = weights.map((weight) => (reduction !== 'mean' ? weight : total === 0 ? 0 : weight / total));

  // the terms of single pixels
  const terms = pixels.map((pixel) => pixelTerm(kind, o, pixel, classes));
  const mass = sum(pixels.map((pixel) => pixel.weight));
  const divisor = kind === 'asymmetric' && reduction !== 'mean' ? 1 : mass;
  const termOf = (i: number): number => {
    const { weight } = pixels[i] as Pixel;
    return weight === 0 || divisor === 0 ? 0 : (weight * (terms[i] as Term).value) / divisor;
  };
  const allTerms = sum(pixels.map((_, i) => termOf(i)));

  const perItem = new Float64Array(regionCount);
  const perItemMagnitude = new Float64Array(regionCount);
  for (let region = 0; region < regionCount; region++) {
    const loss = losses[region] as Judged;
    const factor = factors[region] as number;
    const own =
      kind === 'asymmetric'
        ? sum(pixels.map((_, i) => (Math.floor(i / count) === region ? termOf(i) : 0)))
        : allTerms / regionCount;
    perItem[region] = (factor === 0 ? 0 : factor * loss.value) + own;
    perItemMagnitude[region] =
      (factor === 0 ? 0 : Math.abs(factor) * loss.magnitude) + roundedFactors.focal * Math.abs(own);
  }

  const up = (region: number): number =>
    typeof o.upstream === 'object' ? (o.upstream[region] as number) : (o.upstream ?? 1);
  const meanUp =
    regionCount === 0 ? 0 : sum(Array.from({ length: regionCount }, (_, r) => up(r))) / regionCount;
  const gradient = new Float64Array(inputs.predictions.length);
  const gradientMagnitude = new Float64Array(inputs.predictions.length);
  pixels.forEach((pixel, i) => {
    const { p, rest, y, weight } = pixel;
    if (weight === 0) return;
    const g = new Float64Array(classes);
    const size = new Float64Array(classes);
    for (let c = first; c < classes; c++) {
      const region = regionOf(i, c);
      const { a, b, c: square, d, e } = losses[region] as Judged;
      const { value: q, slope: bend, conditioning } = transform(kind, o, p[c] as number, rest[c] as number);
      const factor = (factors[region] as number) * up(region) * withinWeight(i, c);
      if (factor === 0) continue;
      const parts = [
        a * (y[c] as number),
        b,
        2 * square * q,
        d * (0.5 - 0.5 * Math.sign(q - (y[c] as number))),
      ];
      g[c] = factor * bend * sum(parts);
      size[c] = Math.abs(factor * bend) * sum(parts.map(Math.abs)) * conditioning;
      if (planes === undefined) continue;
      const ofPlanes = (factors[region] as number) * up(region) * e;
      g[c] = (g[c] as number) + ofPlanes * (planes.slopes[i * classes + c] as number);
      size[c] = (size[c] as number) + Math.abs(ofPlanes) * (planes.sizes[i * classes + c] as number);
    }
    const term = terms[i] as Term;
    const termUp =
      kind === 'asymmetric' && typeof o.upstream === 'object' ? up(Math.floor(i / count)) : meanUp;
    const termFactor = divisor === 0 ? 0 : termUp / divisor;
    const mean = sum(g.map((value, k) => (p[k] as number) * value));
    const meanSize = sum(size.map((value, k) => (p[k] as number) * value));
    for (let c = 0; c < classes; c++) {
      const own = p[c] as number;
      const inner =
        o.activation === 'sigmoid'
          ? [
              own * (rest[c] as number) * (g[c] as number),
              roundedFactors.sigmoid * own * (rest[c] as number) * (size[c] as number),
            ]
          : o.activation === 'none'
            ? [g[c] as number, size[c] as number]
            : [
                own * ((g[c] as number) - mean),
                own * (roundedFactors.softmax * (size[c] as number) + roundedFactors.mean * meanSize),
              ];
      gradient[i * classes + c] = weight * ((inner[0] as number) + termFactor * (term.slope[c] as number));
      gradientMagnitude[i * classes + c] =
        Math.abs(weight) * ((inner[1] as number) + Math.abs(termFactor) * (term.size[c] as number));
    }
  });

  return {
    loss:
      sum(factors.map((factor, r) => (factor === 0 ? 0 : factor * (losses[r] as Judged).value))) + allTerms,
    lossMagnitude:
      sum(
        factors.map((factor, r) => (factor === 0 ? 0 : Math.abs(factor) * (losses[r] as Judged).magnitude)),
      ) +
      roundedFactors.focal * sum(pixels.map((_, i) => Math.abs(termOf(i)))),
    regions: weighted.filter((m) => !(o.absent === 'drop' && isEmpty(m))).length,
    perItem,
    perItemMagnitude,
    gradient,
    gradientMagnitude,
    moments: plain,
  };
}

function readPixel(inputs: RegionInputs, o: RegionOptions, i: number): Pixel {
  const { predictions, classes, targets, labels, mask } = inputs;
  const z = Float64Array.from({ length: classes }, (_, c) => predictions[i * classes + c] as number);
  const id = targets === undefined ? -1 : Number(targets[i]);
  const ignored = targets !== undefined && o.ignoreIndex !== undefined && id === o.ignoreIndex;
  const weight = ignored ? 0 : Number(mask?.[i] ?? 1);
  const y = Float64Array.from(z, (_, c) => (labels ? (labels[i * classes + c] as number) : id === c ? 1 : 0));
  if (o.activation === 'none') return { p: z, rest: z.map((x) => 1 - x), logP: z, logRest: z, y, weight };
  if (o.activation === 'sigmoid') {
    const logP = z.map((x) => -softplus(-x));
    const logRest = z.map((x) => -softplus(x));
    return { p: logP.map(Math.exp), rest: logRest.map(Math.exp), logP, logRest, y, weight };
  }
  const logP = z.map((own, c) => {
    const gaps = z.map((other) => other - own); // −log p = log(1 + Σ over the others exp(z_j − z_c))
    const most = Math.max(...gaps);
    let others = 0;
    gaps.forEach((gap, k) => {
      if (k !== c) others += Math.exp(gap - (most > 600 ? most : 0));
    });
    return most > 600 ? -(most + Math.log(others)) : -Math.log1p(others);
  });
  const p = logP.map(Math.exp);
  const rest = p.map((_, c) => sum(p.filter((_, k) => k !== c)));
  return { p, rest, logP, logRest: rest.map(Math.log), y, weight };
}

/** q, dq/dp, and how many times the rounding of p and of exponents comes back in it, whoever computes it. */
function transform(
  kind: Kind,
  o: RegionOptions,
  p: number,
  rest: number,
): { value: number; slope: number; conditioning: number } {
  if (kind === 'selfAdjustingDice') {
    const alpha = o.alpha as number;
    if (alpha === 0) return { value: p, slope: 1, conditioning: 1 };
    const less = rest < 0 || (rest === 0 && alpha !== 1) ? 0 : rest ** (alpha - 1);
    const inner = rest - alpha * p;
    const ofPower = alpha * Math.abs(Math.log(Math.max(rest, 1e-30))) + (p * Math.abs(alpha - 1)) / rest;
    return {
      value: Math.max(rest, 0) ** alpha * p, // a prediction beyond 1 is as sure as can be
      slope: less * inner,
      conditioning: inner === 0 ? 1 : 1 + ofPower + (Math.abs(rest) + (1 + alpha) * p) / Math.abs(inner),
    };
  }
  if (kind === 'anyLoss') {
    const L = o.amplify as number;
    const a = 1 / (1 + Math.exp(-L * (p - 0.5)));
    const other = 1 / (1 + Math.exp(L * (p - 0.5)));
    return { value: a, slope: L * a * other, conditioning: 1 + L * (p + Math.abs(p - 0.5)) };
  }
  return { value: p, slope: 1, conditioning: 1 };
}
