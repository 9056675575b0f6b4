// skeletonRecall: how much of the labels' skeleton the predictions find, so that thin connections are not given up.

import { defineCall, option, optional } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { boolean, integerFrom } from '../validate.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  type RegionInputs,
  type RegionOptions,
  type RegionResult,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
} from './region-options.js';
import { regionSteps } from './regions-operation.js';

export type SkeletonRecallOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** By how many pixels, along the axes, the skeleton is widened; up to 1000. Default 2. */
    tube?: number;
    /** Whether class 0 counts. Default false, unless it is the only class. */
    background?: boolean;
  };

/**
 * Skeleton recall loss of images in 2-D or 3-D (Kirchhoff et al. 2024), and the gradient: 1 - sum p S / sum S, with S the
 * part of each class in the tube around a skeleton. The skeleton is that of all pixels whose label in any class that
 * counts is above 1/2, by Zhang and Suen (1984) in 2-D and by Lee, Kashyap and Chu (1994) in 3-D; pixels that weigh
 * nothing are background to it. `squared` and `labels` change nothing here. Takes scratch memory of about eight bytes per
 * prediction.
 *
 * @example
 * const { loss, grads } = await skeletonRecall({ predictions, targets }, { crossEntropy: 1, grads: true });
 */
export function skeletonRecall(inputs: RegionInputs, options?: SkeletonRecallOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), skeletonRecall);
}

/** skeletonRecall(), blocking. */
export function skeletonRecallSync(inputs: RegionInputs, options?: SkeletonRecallOptions): RegionResult {
  return runSync(steps(inputs, options), skeletonRecallSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  background: optional(boolean),
  tube: option(integerFrom(0, 1000), 2),
};
const { parseInputs, parseOptions } = defineCall(
  'skeletonRecall',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = { planes: 'skeletonRecall', rounds: o.tube } as const;
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
