// lovasz: the Jaccard loss of whole sets of pixels, extended to probabilities by sorting the errors (Berman et al. 2018).

import { defineCall, option, optional } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { oneOf } from '../validate.js';
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

export type LovaszOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** Whether classes count that a region's target lacks: `absent` 'drop' or 'count', unless that is given. Default 'present'. */
    classes?: 'present' | 'all';
  };

/**
 * Lovász-softmax loss, or Lovász-sigmoid: the Lovász extension of the Jaccard loss by errors |p - y|, and the gradient.
 * Of equal errors the first pixel comes first. A pixel of weight m and label y counts m y in the target and m (1 - y)
 * beside it. `smooth`, `squared` and `labels` are about sums and change nothing here. Takes scratch memory of
 * about four bytes per prediction, and of sixteen per element of the largest region.
 *
 * @example
 * const { loss, grads } = await lovasz({ predictions, targets }, { over: 'class', grads: true });
 */
export function lovasz(inputs: RegionInputs, options?: LovaszOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), lovasz);
}

/** lovasz(), blocking. */
export function lovaszSync(inputs: RegionInputs, options?: LovaszOptions): RegionResult {
  return runSync(steps(inputs, options), lovaszSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  absent: optional(regionOptions.absent.read),
  classes: option(oneOf('present', 'all'), 'present'),
};
const { parseInputs, parseOptions } = defineCall('lovasz', regionInputs, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const absent = o.absent ?? (o.classes === 'present' ? 'drop' : 'count');
  return yield* regionSteps({ planes: 'lovasz' }, { ...o, absent }, parseInputs(inputs));
}
