// asymmetric: the multi-label loss whose negatives fade faster than its positives. No region: terms of single pixels, or
// of rows, from the same pass.

import { defineCall, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { numberFrom } from '../validate.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  type RegionInputs,
  type RegionResult,
  regionDefaults,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
} from './region-options.js';
import { regionSteps } from './regions-operation.js';

export type AsymmetricOptions = LossOptions<'predictions'> & {
  /** Default 'channelsLast'. */
  layout?: 'channelsLast' | 'channelsFirst';
  /** Pixels with this class id weigh nothing. */
  ignoreIndex?: number;
  /** How fast positives that are right fade. Default 1. */
  gammaPositive?: number;
  /** How fast negatives that are right fade. Default 4. */
  gammaNegative?: number;
  /** Taken off the probability of negatives: what is below it has no loss. Default 0.05. */
  margin?: number;
};

/**
 * Asymmetric loss (Ridnik et al. 2021) of logits [batch, ...space, classes]: per class, -(1 - p)^gammaPositive log p where
 * it is in the target, and -q^gammaNegative log(1 - q) with q = max(p - margin, 0) where it is not, added up over the
 * classes; and the gradient. 'mean' is over pixels (rows of [batch, classes]); an item of 'none' is an image.
 *
 * @example
 * const { loss, grads } = await asymmetric({ predictions, targets }, { grads: true });
 */
export function asymmetric(inputs: RegionInputs, options?: AsymmetricOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), asymmetric);
}

/** asymmetric(), blocking. */
export function asymmetricSync(inputs: RegionInputs, options?: AsymmetricOptions): RegionResult {
  return runSync(steps(inputs, options), asymmetricSync);
}

const { layout, ignoreIndex } = regionOptions;
const inputTable = {
  predictions: regionInputs.predictions,
  targets: regionInputs.targets,
  mask: regionInputs.mask,
};
const optionTable = {
  ...lossOptions(['predictions']),
  layout,
  ignoreIndex,
  gammaPositive: option(numberFrom(0, 1e6), 1),
  gammaNegative: option(numberFrom(0, 1e6), 4),
  margin: option(numberFrom(0, 1), 0.05),
};
const { parseInputs, parseOptions } = defineCall('asymmetric', inputTable, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const { gammaPositive, gammaNegative, margin, ...o } = parseOptions(options);
  const pixelTerm = { weight: 1, positive: 1, negative: 1, gammaPositive, gammaNegative, margin };
  const call = { ...regionDefaults, ...o, activation: 'sigmoid', over: 'image' } as const;
  return yield* regionSteps({ pixelTerm }, call, { ...parseInputs(inputs), classWeights: undefined });
}
