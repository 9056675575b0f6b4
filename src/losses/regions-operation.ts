// The regions operation by the names of engine/regions.h, and what its losses share: reading and checking the tensors,
// outputs, one job.

import { storage } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { lengthOf } from '../memory.js';
import { native } from '../native.js';
import { type Job, Operation, type Sums } from '../operation.js';
import type { Parsed } from '../options.js';
import { bracketed } from '../validate.js';
import { readView, sameShape, sizeOf, type View } from '../view.js';
import {
  expectDType,
  expectShape,
  gradientTarget,
  type LossTable,
  notIds,
  output,
  placeOf,
  readOptionalView,
  readUpstreamFor,
  reductions,
} from './loss.js';
import {
  absents,
  activations,
  overs,
  type ParsedRegionOptions,
  type RegionMoments,
  type RegionResult,
  type regionInputs,
} from './region-options.js';

const views = [
  'predictions',
  'targets',
  'mask',
  'classWeights',
  'upstream',
  'givenMoments',
  'gradient',
  'perItem',
  'moments',
] as const;
const parameters = [
  'batch',
  'pixels',
  'classes',
  'channelsFirst',
  'softTargets',
  'activation',
  'over',
  'classMoments',
  'firstClass',
  'ignores',
  'ignoreIndex',
  'index',
  'indexFirst',
  'indexSecond',
  'planeLoss',
  'depth',
  'height',
  'width',
  'rounds',
  'weighting',
  'transform',
  'transformParameter',
  'numeratorSmooth',
  'denominatorSmooth',
  'squared',
  'l1',
  'absent',
  'exponent',
  'log',
  'crossEntropy',
  'focal',
  'focalPositive',
  'focalNegative',
  'focalGammaPositive',
  'focalGammaNegative',
  'focalMargin',
  'reduction',
  'upstreamScale',
  'freshGradient',
] as const;
const results = ['loss', 'regions'] as const;

export const regionsOperation: Operation<
  (typeof views)[number],
  (typeof parameters)[number],
  (typeof results)[number]
> = new Operation('regions', { views, parameters, results });

/** In the order of the engine's enums. */
export const weightings = ['uniform', 'simple', 'square'] as const;
const transforms = ['none', 'selfAdjusting', 'steep'] as const;
const planeLosses = ['none', 'lovasz', 'softClDice', 'skeletonRecall'] as const;

/** Sorting and pooling take this many nanoseconds per prediction. */
const planeCost = 20;

/** What a loss asks of the engine beside its options. */
export interface RegionFormula {
  /** An index of overlap by the engine's name; without one, moments or terms of pixels only. */
  readonly index?: string;
  readonly first?: number;
  readonly second?: number;
  /** A loss of whole planes in place of an index; these take far longer. */
  readonly planes?: (typeof planeLosses)[number];
  /** How often a loss of planes looks beyond a pixel's neighbours. */
  readonly rounds?: number;
  readonly weighting?: (typeof weightings)[number];
  readonly transform?: (typeof transforms)[number];
  readonly transformParameter?: number;
  /** Moments tell classes apart, although regions span them. */
  readonly classMoments?: boolean;
  /** The term of pixels, in place of the option 'focal'. */
  readonly pixelTerm?: PixelTerm;
}

export interface PixelTerm {
  readonly weight: number;
  readonly positive: number;
  readonly negative: number;
  readonly gammaPositive: number;
  readonly gammaNegative: number;
  readonly margin: number;
}

export type RegionCall = ParsedRegionOptions & Parsed<LossTable<'predictions'>>;

/** One call of a loss on regions, ready to run; `given` are the moments to use instead of this batch's own. */
export function* regionSteps(
  formula: RegionFormula,
  call: RegionCall,
  inputs: Parsed<typeof regionInputs>,
  given?: RegionMoments,
): Generator<Job, RegionResult, void> {
  const { layout } = call;
  const last = layout === 'channelsLast' ? '[batch, ...space, classes]' : '[batch, classes, ...space]';
  const predictions = readView(inputs.predictions, 'predictions', `predictions have the shape ${last}`);
  const shape = shapeOf(predictions, layout, last);
  const o: RegionCall = { ...call, background: call.background ?? shape.classes === 1 };
  const targets = readView(inputs.targets, 'targets', 'targets have the shape [batch, ...space]');
  const mask = readOptionalView(inputs.mask, 'mask');
  const classWeights = readOptionalView(inputs.classWeights, 'classWeights');
  const soft = checkTargets(targets, predictions, shape, layout);
  checkWeights(mask, classWeights, shape);
  checkTogether(o, soft, shape);
  const items = itemsOf(o, shape);
  const upstream = readUpstreamFor(o.upstream, o.reduction, items);

  const home = predictions.device;
  const place = placeOf([predictions, targets, mask, classWeights, upstream.perItem], o);
  const spans = o.over === 'image' || o.over === 'all';
  const classMoments = spans && (formula.classMoments === true || classWeights !== undefined);
  const rows = sizeOf(classMoments ? rowsByClass(o, shape) : items, 'moments');
  if (given !== undefined) checkMoments(given, rows);
  const gradient = gradientTarget(predictions, o.grads.includes('predictions'), o.out.predictions);
  const result: RegionResult = { loss: 0, grads: {}, regions: 0 };
  if (gradient !== undefined) result.grads.predictions = gradient.tensor;
  if (o.reduction === 'none') result.perItem = output('float32', items, home, 'perItem');
  const moments = o.outputs.includes('moments') ? sums(rows) : undefined;

  const merges = o.over === 'class' || o.over === 'all';
  const [depth, height, width] = formula.rounds === undefined ? [0, 0, 0] : sidesOf(shape);
  const flat =
    merges &&
    formula.rounds === undefined &&
    (o.layout === 'channelsLast' || shape.pixels === 1 || shape.classes === 1);
  const term = formula.pixelTerm ?? pixelTermOf(o);
  const index = native().regionIndices.indexOf(formula.index ?? '');
  try {
    const job = regionsOperation.job(
      place,
      {
        predictions,
        targets,
        mask,
        classWeights,
        upstream: upstream.perItem,
        givenMoments: given && { memory: given.values, dtype: 'float64', size: given.values.length },
        gradient: gradient?.tensor,
        perItem: result.perItem,
        moments,
      },
      {
        // images that no region tells apart are one long image
        batch: flat ? 1 : shape.batch,
        pixels: flat ? shape.batch * shape.pixels : shape.pixels,
        classes: shape.classes,
        channelsFirst: o.layout === 'channelsFirst' && !flat ? 1 : 0,
        softTargets: soft ? 1 : 0,
        activation: activations.indexOf(o.activation),
        over: overs.indexOf(o.over),
        classMoments: classMoments ? 1 : 0,
        firstClass: o.background ? 0 : 1,
        ignores: o.ignoreIndex === undefined ? 0 : 1,
        ignoreIndex: o.ignoreIndex ?? 0,
        index: index < 0 ? native().regionIndices.length : index,
        indexFirst: formula.first ?? 0,
        indexSecond: formula.second ?? 0,
        planeLoss: planeLosses.indexOf(formula.planes ?? 'none'),
        depth,
        height,
        width,
        rounds: formula.rounds ?? 0,
        weighting: weightings.indexOf(formula.weighting ?? 'uniform'),
        transform: transforms.indexOf(formula.transform ?? 'none'),
        transformParameter: formula.transformParameter ?? 0,
        numeratorSmooth: o.smooth.numerator,
        denominatorSmooth: o.smooth.denominator,
        squared: o.squared ? 1 : 0,
        l1: o.labels === 'l1' ? 1 : 0,
        absent: absents.indexOf(o.absent),
        exponent: o.exponent,
        log: o.log ? 1 : 0,
        crossEntropy: o.crossEntropy,
        focal: term.weight,
        focalPositive: term.positive,
        focalNegative: term.negative,
        focalGammaPositive: term.gammaPositive,
        focalGammaNegative: term.gammaNegative,
        focalMargin: term.margin,
        reduction: reductions.indexOf(o.reduction),
        upstreamScale: upstream.scale,
        freshGradient: gradient?.fresh ? 1 : 0,
      },
      gradient?.fresh === false ? ['gradient'] : [],
      formula.planes === undefined ? 0 : planeCost * predictions.size,
    );
    yield job;
    result.loss = regionsOperation.result(job, 'loss');
    result.regions = regionsOperation.result(job, 'regions');
    if (moments !== undefined) result.moments = { names: native().regionMoments, values: moments.memory };
    return result;
  } catch (error) {
    if (gradient?.fresh) gradient.tensor.dispose();
    result.perItem?.dispose();
    throw error;
  }
}

function sums(rows: number): Sums {
  const memory = new Float64Array(rows * native().regionMoments.length);
  return { memory, dtype: 'float64', size: memory.length };
}

function checkMoments({ values }: RegionMoments, rows: number): void {
  const columns = native().regionMoments.length;
  if (lengthOf(values) === rows * columns) return;
  throw new CutlossError(
    'ERR_CUTLOSS_SHAPE',
    `Expected ${rows} × ${columns} numbers, a row per region, for moments.values but received ${lengthOf(values)}: take moments with the same \`over\`, for generalizedDice with 'imageClass' or 'class'`,
    { name: 'moments' },
  );
}

interface RegionShape {
  readonly batch: number;
  readonly classes: number;
  readonly space: readonly number[];
  readonly pixels: number;
}

type Layout = 'channelsLast' | 'channelsFirst';

function classAxis(axes: readonly number[], layout: Layout): number {
  return layout === 'channelsLast' ? axes.length - 1 : 1;
}

function shapeOf(predictions: View, layout: Layout, form: string): RegionShape {
  expectDType(predictions, 'float32', 'float16', 'bfloat16');
  const axes = predictions.shape;
  const axis = classAxis(axes, layout);
  const classes = axes[axis] ?? 0;
  if (axes.length < 2 || classes === 0) {
    const message = `Expected shape ${form} with at least one class for predictions but received ${bracketed(axes)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'predictions' });
  }
  const space = axes.filter((_, i) => i !== 0 && i !== axis);
  return { batch: axes[0] as number, classes, space, pixels: sizeOf(space, 'predictions') };
}

/** Depth, height and width of an image; in 2-D the depth is 0. */
function sidesOf({ space }: RegionShape): readonly [number, number, number] {
  if (space.length === 2) return [0, ...(space as [number, number])];
  if (space.length === 3) return space as unknown as [number, number, number];
  throw new CutlossError(
    'ERR_CUTLOSS_SHAPE',
    `Expected images of two or three axes for predictions but received ${space.length}`,
    { name: 'predictions' },
  );
}

/** Whether targets are labels of every class, and not class ids. */
function checkTargets(targets: View, predictions: View, shape: RegionShape, layout: Layout): boolean {
  const pixels = [shape.batch, ...shape.space];
  if (storage(targets.dtype).floating || targets.dtype === 'bool') {
    if (sameShape(targets.shape, pixels)) {
      const oneClass = `masks of the only class have the shape ${bracketed(predictions.shape)} of predictions`;
      throw notIds(targets, shape.classes === 1 ? oneClass : undefined);
    }
    expectShape(targets, predictions.shape, ' as predictions have, for labels of each class,');
    return true;
  }
  if (sameShape(targets.shape, predictions.shape)) return true;
  const what = `, one class id per pixel of predictions ${bracketed(predictions.shape)},`;
  expectShape(targets, pixels, what, otherLayout(targets, predictions, layout));
  return false;
}

/** What to do where class ids fit predictions of the other layout. */
function otherLayout(targets: View, predictions: View, layout: Layout): string | undefined {
  const other = layout === 'channelsLast' ? 'channelsFirst' : 'channelsLast';
  const axis = classAxis(predictions.shape, other);
  const pixels = predictions.shape.filter((_, i) => i !== axis);
  return sameShape(targets.shape, pixels) ? `they fit with layout: '${other}'` : undefined;
}

function checkWeights(mask: View | undefined, classWeights: View | undefined, shape: RegionShape): void {
  if (mask !== undefined) {
    expectDType(mask, 'float32', 'uint8', 'bool');
    expectShape(mask, [shape.batch, ...shape.space], ', one weight per pixel,');
  }
  if (classWeights !== undefined) {
    expectDType(classWeights, 'float32');
    expectShape(classWeights, [shape.classes], ', one weight per class,');
  }
}

function refuse(what: string, name: string, received: string): never {
  const message = `Expected ${what} for ${name} but received ${received}`;
  throw new CutlossError('ERR_CUTLOSS_OPTION', message, { name });
}

/** Options that are fine alone but not together. */
function checkTogether(o: RegionCall, soft: boolean, shape: RegionShape): void {
  if (!o.background && shape.classes === 1) refuse('at least two classes', 'background false', 'one');
  if (soft && o.ignoreIndex !== undefined) {
    refuse('class ids', `ignoreIndex ${o.ignoreIndex}`, 'targets that are labels of each class: use mask');
  }
  if (o.activation !== 'none') return;
  const logits = "activation 'softmax' or 'sigmoid', which takes logits,";
  if (o.crossEntropy !== 0) refuse(logits, 'crossEntropy', "'none'");
  if (o.focal !== undefined) refuse(logits, 'focal', "'none'");
}

function rowsByClass(o: RegionCall, shape: RegionShape): readonly number[] {
  const classes = shape.classes - (o.background ? 0 : 1);
  return o.over === 'image' || o.over === 'imageClass' ? [shape.batch, classes] : [classes];
}

function itemsOf(o: RegionCall, shape: RegionShape): readonly number[] {
  if (o.over === 'image') return [shape.batch];
  return o.over === 'all' ? [] : rowsByClass(o, shape);
}

function pixelTermOf({ focal, activation }: RegionCall): PixelTerm {
  const { weight = 0, gamma = 2, alpha } = focal ?? {};
  const negative = alpha === undefined ? 1 : 1 - alpha;
  const gammaNegative = activation === 'sigmoid' ? gamma : 0;
  return { weight, positive: alpha ?? 1, negative, gammaPositive: gamma, gammaNegative, margin: 0 };
}
