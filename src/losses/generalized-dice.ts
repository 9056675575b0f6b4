// generalizedDice: one Dice over all classes of an image, each weighted by one over the square of its size, so that small
// ones count as much as large ones.

import { defineCall, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { oneOf } from '../validate.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  overs,
  type RegionInputs,
  type RegionOptions,
  type RegionResult,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
} from './region-options.js';
import { regionSteps } from './regions-operation.js';

export type GeneralizedDiceOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** What a class weighs by the size Y of its target: 1 / Y^2, 1 / Y or 1. Default 'square'. */
    weighting?: 'square' | 'simple' | 'uniform';
  };

/**
 * Generalized Dice loss (Sudre et al. 2017), 1 - 2 sum_c w_c I_c / sum_c w_c (P_c + Y_c), and the gradient. A class that
 * is absent gets the largest weight of those that are there. The moments it returns tell the classes apart.
 *
 * @example
 * const { loss, grads } = await generalizedDice({ predictions, targets }, { grads: true });
 */
export function generalizedDice(
  inputs: RegionInputs,
  options?: GeneralizedDiceOptions,
): Promise<RegionResult> {
  return runAsync(steps(inputs, options), generalizedDice);
}

/** generalizedDice(), blocking. */
export function generalizedDiceSync(inputs: RegionInputs, options?: GeneralizedDiceOptions): RegionResult {
  return runSync(steps(inputs, options), generalizedDiceSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  over: option(oneOf(...overs), 'image'),
  weighting: option(oneOf('square', 'simple', 'uniform'), 'square'),
};
const { parseInputs, parseOptions } = defineCall(
  'generalizedDice',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = { index: 'dice', weighting: o.weighting, classMoments: true };
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
