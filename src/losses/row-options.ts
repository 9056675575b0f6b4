// The options of losses on rows of logits, and their result: the types users see, and the table they are read by.

import { defineOptions, type Option, type OptionTable, option, optional, raw } from '../options.js';
import type { Tensor } from '../tensor.js';
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
import type { LossResult } from './loss.js';
import type { RowObjective } from './objectives.js';

/**
 * Drops tiles of the gradient whose every |softmax| < eps (the target's own entry is always kept, exactly). 'none' is
 * exact; 'hidden' filters the gradient of hidden only, 'both' also that of the classifier. eps defaults to 2^-12 for
 * bfloat16, 2^-15 for float16, 2^-28 for float32. Losses on logits that exist already have nothing to filter.
 */
export type GradientFilter =
  | 'none'
  | 'hidden'
  | 'both'
  | { hidden?: boolean; classifier?: boolean; eps?: number; sortVocabulary?: boolean };

export type RowOutput = 'logProb' | 'lse' | 'entropy' | 'argmax';

export interface RowOptions {
  /** The function of the target's probability that is minimised. Default 'crossEntropy'. */
  objective?: RowObjective;
  /** Rows with this target have loss 0, zero gradient, and do not count in 'mean'. Default -100. */
  ignoreIndex?: number;
  /** From 0 to 1, with PyTorch's meaning; only with the objective 'crossEntropy'. Default 0. */
  labelSmoothing?: number;
  /** Adds zLoss * lse^2 per row; scaled by `weights`, not by `classWeights`. Default 0. */
  zLoss?: number;
  /** Logits become cap * tanh(logit / cap). Default: no cap. */
  softcap?: number;
  /** Logits are divided by it. Default 1. */
  temperature?: number;
  /**
   * Rows of [..., time, classes] predict the target this many steps later; the last `shift` rows of each sequence have
   * none and do not count. From `time` on no row has a target: the loss is 0. Default 0.
   */
  shift?: number;
  /** Replaces the count of rows in 'mean', for gradient accumulation. */
  divisor?: number;
  /** Default 'none', which is exact. */
  gradientFilter?: GradientFilter;
  /** What else to return per row, from the same pass. */
  outputs?: readonly RowOutput[];
  /**
   * Upper bound on scratch memory in bytes. Default on the CPU 64 MiB, in float32 no more than a third of what the logits
   * would take, or 20 MiB; 512 MiB on a GPU.
   */
  workspaceBytes?: number;
  /** Bitwise equal results from run to run on one machine and thread count. Default true. */
  deterministic?: boolean;
}

export interface RowResult<Differentiable extends string> extends LossResult<Differentiable> {
  /** Rows that counted. */
  rows: number;
  /** log of the target's probability; 0 for ignored rows. */
  logProb?: Tensor<'float32'>;
  /** log of the sum of exponentials of the row. */
  lse?: Tensor<'float32'>;
  /** Entropy of the row's softmax, in nats. */
  entropy?: Tensor<'float32'>;
  /** The class with the largest logit; -1 for ignored rows. */
  argmax?: Tensor<'int32'>;
  /** Share of gradient tiles kept by the filter, 0..1; where there was a filter. */
  keptTiles?: number;
}

/** A gradientFilter as the engines take it. */
export interface ParsedFilter {
  readonly hidden: boolean;
  readonly classifier: boolean;
  /** By default what the dtype suggests. */
  readonly eps: number | undefined;
  readonly sortVocabulary: boolean;
}

const parseFilter = defineOptions(
  'option of gradientFilter',
  {
    hidden: option(boolean, true),
    classifier: option(boolean, false),
    eps: optional(numberFrom(0, 1)),
    sortVocabulary: option(boolean, false),
  },
  { within: 'gradientFilter' },
);
const namedFilters = {
  none: parseFilter({ hidden: false }),
  hidden: parseFilter({}),
  both: parseFilter({ classifier: true }),
};
const readFilterName = oneOf('none', 'hidden', 'both');
const readFilter: Reader<ParsedFilter> = (value, name) =>
  isObject(value) ? parseFilter(value) : namedFilters[readFilterName(value, name)];

/** RowOptions as lines of a table. `objective` is read when the binary's list is at hand. */
export interface RowTable extends OptionTable {
  readonly objective: Option<unknown>;
  readonly ignoreIndex: Option<number>;
  readonly labelSmoothing: Option<number>;
  readonly zLoss: Option<number>;
  readonly softcap: Option<number>;
  readonly temperature: Option<number>;
  readonly shift: Option<number>;
  readonly divisor: Option<number>;
  readonly gradientFilter: Option<ParsedFilter>;
  readonly outputs: Option<readonly RowOutput[]>;
  readonly workspaceBytes: Option<number | undefined>;
  readonly deterministic: Option<boolean>;
}

/** The engine's word for "none" is 0, for softcap and divisor. */
export const rowOptions: RowTable = {
  objective: raw,
  ignoreIndex: option(integerFrom(Number.MIN_SAFE_INTEGER), -100),
  labelSmoothing: option(numberFrom(0, 1), 0),
  zLoss: option(finite, 0),
  softcap: option(positive, 0),
  temperature: option(positive, 1),
  shift: option(integerFrom(0), 0),
  divisor: option(positive, 0),
  gradientFilter: option(readFilter, namedFilters.none),
  outputs: option(listOf('logProb', 'lse', 'entropy', 'argmax'), []),
  workspaceBytes: optional(integerFrom(1)),
  deterministic: option(boolean, true),
};
