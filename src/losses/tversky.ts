// tversky: 1 - I / (I + alpha (P - I) + beta (Y - I)): Dice that weighs the two kinds of error apart.

import { defineCall, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { numberFrom } from '../validate.js';
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

export type TverskyOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** Weight of false positives. Default 0.5. */
    alpha?: number;
    /** Weight of false negatives. Default 0.5. */
    beta?: number;
  };

/**
 * Tversky loss of soft regions (Salehi et al. 2017), and the gradient. With `exponent` it is the focal Tversky loss.
 *
 * @example
 * const { loss } = await tversky({ predictions, targets }, { alpha: 0.3, beta: 0.7, exponent: 0.75 });
 */
export function tversky(inputs: RegionInputs, options?: TverskyOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), tversky);
}

/** tversky(), blocking. */
export function tverskySync(inputs: RegionInputs, options?: TverskyOptions): RegionResult {
  return runSync(steps(inputs, options), tverskySync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  alpha: option(numberFrom(0, 1e6), 0.5),
  beta: option(numberFrom(0, 1e6), 0.5),
};
const { parseInputs, parseOptions } = defineCall('tversky', regionInputs, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = { index: 'tversky', first: o.alpha, second: o.beta };
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
