// regionMoments: the sums behind every index of overlap, to be merged across devices or machines before regionLoss().

import { defineCall } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  type RegionInputs,
  type RegionMoments,
  type RegionOptions,
  regionDefaults,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
} from './region-options.js';
import { regionSteps } from './regions-operation.js';

export type RegionMomentsOptions = RegionOptions &
  Pick<LossOptions<'predictions'>, 'device' | 'signal' | 'copy'>;

/**
 * The moments of every region of a batch, or of a part of it: sums of products, predictions, targets, their squares,
 * differences and pixel weights, and of the pixels' own terms if `crossEntropy` or `focal` ask for them.
 *
 * @example
 * const { names, values } = await regionMoments({ predictions, targets }, { over: 'class' });
 */
export function regionMoments(inputs: RegionInputs, options?: RegionMomentsOptions): Promise<RegionMoments> {
  return runAsync(steps(inputs, options), regionMoments);
}

/** regionMoments(), blocking. */
export function regionMomentsSync(inputs: RegionInputs, options?: RegionMomentsOptions): RegionMoments {
  return runSync(steps(inputs, options), regionMomentsSync);
}

const { grads, out, reduction, upstream, ...others } = lossOptions(['predictions']);
const { device, signal, copy } = others;
const optionTable = { device, signal, copy, ...regionOptions };
const { parseInputs, parseOptions } = defineCall(
  'regionMoments',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);

function* steps(inputs: unknown, options: unknown): Steps<RegionMoments> {
  const call = {
    ...regionDefaults,
    ...parseOptions(options),
    grads: grads.fallback,
    out: out.fallback,
    reduction: reduction.fallback,
    upstream: upstream.fallback,
    outputs: ['moments'] as const,
  };
  const given = { ...parseInputs(inputs), classWeights: undefined };
  const result = yield* regionSteps({}, call, given);
  return result.moments as RegionMoments;
}
