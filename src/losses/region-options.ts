// The inputs and options of losses on regions, and their result: the types users see, and the tables they are read by.

import {
  defineOptions,
  type Option,
  type OptionTable,
  option,
  optional,
  type Parsed,
  raw,
} from '../options.js';
import {
  boolean,
  finite,
  integerFrom,
  isObject,
  listOf,
  numberFrom,
  oneOf,
  positive,
  type Reader,
} from '../validate.js';
import type { TensorLike } from '../view.js';
import type { LossResult } from './loss.js';

export interface RegionInputs {
  /**
   * Logits, or probabilities with activation 'none': [batch, ...space, classes], or [batch, classes, ...space] with layout
   * 'channelsFirst'; float32, float16 or bfloat16.
   */
  predictions: TensorLike;
  /** Class ids [batch, ...space] of int32, int64 or uint8; or one-hot or soft labels of predictions' shape, of any dtype. */
  targets: TensorLike;
  /** [batch, ...space] weight per pixel, float32 or uint8. */
  mask?: TensorLike;
  /**
   * [classes] float32, times each region's loss; 'mean' is then the weighted mean. Where a region spans the classes, they
   * weigh the classes within its sums.
   */
  classWeights?: TensorLike;
}

export interface RegionOptions {
  /** What turns predictions into probabilities. Default 'softmax'. */
  activation?: 'softmax' | 'sigmoid' | 'none';
  /** Default 'channelsLast'. Neither is copied into the other. */
  layout?: 'channelsLast' | 'channelsFirst';
  /** What one ratio is taken over. Default 'imageClass'. */
  over?: 'imageClass' | 'class' | 'image' | 'all';
  /** Default true; false leaves class 0 out. */
  background?: boolean;
  /** Pixels with this class id weigh nothing. */
  ignoreIndex?: number;
  /** Added to numerator and denominator. Default 1e-5. */
  smooth?: number | { numerator: number; denominator: number };
  /** Sums of squares in the denominator. Default false. */
  squared?: boolean;
  /** How overlap with soft labels is measured: sum p y, or (sum p + sum y - sum |p - y|) / 2. Default 'product'. */
  labels?: 'product' | 'l1';
  /** A region whose target is empty counts, has loss 0, or does not count in 'mean' either. Default 'count'. */
  absent?: 'count' | 'zero' | 'drop';
  /** loss ** exponent per region. Default 1. */
  exponent?: number;
  /** -log(index) instead of 1 - index. Default false. */
  log?: boolean;
  /**
   * Adds this times the mean cross-entropy over pixels, weighted by mask; every class, no class weights. With 'sigmoid' a
   * pixel's cross-entropy is the sum of those of its classes. Default 0.
   */
  crossEntropy?: number;
  /**
   * Adds a focal term, the mean over pixels of -(1 - p)^gamma log p, in the same passes. gamma is 2 by default; alpha, if
   * given, weighs the classes from 1 on and 1 - alpha class 0, with 'sigmoid' what is and what is not the target.
   */
  focal?: { weight: number; gamma?: number; alpha?: number };
  /** 'moments': the sums behind the loss. */
  outputs?: readonly 'moments'[];
}

/**
 * The sums behind every index, mergeable across devices and machines: add `values`, then take the loss and the gradient
 * with regionLoss(). The terms of pixels ('crossEntropy', 'focal', 'weight') stand in the first row of each image.
 */
export interface RegionMoments {
  readonly names: readonly string[];
  /** [regions, names.length] */
  readonly values: Float64Array;
}

export interface RegionResult extends LossResult<'predictions'> {
  /** Regions that counted. */
  regions: number;
  moments?: RegionMoments;
}

export interface Smooth {
  readonly numerator: number;
  readonly denominator: number;
}

export interface Focal {
  readonly weight: number;
  readonly gamma: number;
  readonly alpha: number | undefined;
}

const notNegative = numberFrom(0, 3.4028234663852886e38);

/** A number for both, or one of them by name, the other then being what it is by default. */
export function smoothing(fallback: number): Option<Smooth> {
  const both = (value: number): Smooth => ({ numerator: value, denominator: value });
  const each = option(notNegative, fallback);
  const parse = defineOptions(
    'option of smooth',
    { numerator: each, denominator: each },
    { within: 'smooth' },
  );
  return option(
    (value, name) => (isObject(value) ? parse(value) : both(notNegative(value, name))),
    both(fallback),
  );
}

const parseFocal = defineOptions(
  'option of focal',
  {
    weight: option(finite, 1),
    gamma: option(numberFrom(0, 1e6), 2),
    alpha: optional(numberFrom(0, 1)),
  },
  { within: 'focal' },
);
const readFocal: Reader<Focal> = (value) => parseFocal(value);

export const activations = ['softmax', 'sigmoid', 'none'] as const;
export const overs = ['imageClass', 'class', 'image', 'all'] as const;
export const absents = ['count', 'zero', 'drop'] as const;

/** RegionOptions as lines of a table. */
export interface RegionTable extends OptionTable {
  readonly activation: Option<(typeof activations)[number]>;
  readonly layout: Option<'channelsLast' | 'channelsFirst'>;
  readonly over: Option<(typeof overs)[number]>;
  /** Undefined: class 0 counts if it is the only one. */
  readonly background: Option<boolean | undefined>;
  readonly ignoreIndex: Option<number | undefined>;
  readonly smooth: Option<Smooth>;
  readonly squared: Option<boolean>;
  readonly labels: Option<'product' | 'l1'>;
  readonly absent: Option<(typeof absents)[number]>;
  readonly exponent: Option<number>;
  readonly log: Option<boolean>;
  readonly crossEntropy: Option<number>;
  readonly focal: Option<Focal | undefined>;
  readonly outputs: Option<readonly 'moments'[]>;
}

export const regionOptions: RegionTable = {
  activation: option(oneOf(...activations), 'softmax'),
  layout: option(oneOf('channelsLast', 'channelsFirst'), 'channelsLast'),
  over: option(oneOf(...overs), 'imageClass'),
  background: option<boolean | undefined>(boolean, true),
  ignoreIndex: optional(integerFrom(Number.MIN_SAFE_INTEGER)),
  smooth: smoothing(1e-5),
  squared: option(boolean, false),
  labels: option(oneOf('product', 'l1'), 'product'),
  absent: option(oneOf(...absents), 'count'),
  exponent: option(positive, 1),
  log: option(boolean, false),
  crossEntropy: option(finite, 0),
  focal: optional(readFocal),
  outputs: option(listOf('moments'), []),
};

export type ParsedRegionOptions = Parsed<RegionTable>;

/** What every option is where it is not given. */
export const regionDefaults = Object.fromEntries(
  Object.entries(regionOptions).map(([name, { fallback }]) => [name, fallback]),
) as ParsedRegionOptions;

export const regionInputs: Readonly<
  Record<'predictions' | 'targets' | 'mask' | 'classWeights', Option<unknown>>
> = { predictions: raw, targets: raw, mask: raw, classWeights: raw };
export const requiredRegionInputs = ['predictions', 'targets'] as const;
