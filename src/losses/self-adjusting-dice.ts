// selfAdjustingDice: Dice of (1 - p)^alpha p in place of p, so that pixels which are right already fade.

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

export type SelfAdjustingDiceOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** How fast sure predictions fade; 0 is Dice. Default 1. */
    alpha?: number;
  };

/**
 * Self-adjusting Dice loss (Li et al. 2020), and the gradient.
 *
 * @example
 * const { loss, grads } = await selfAdjustingDice({ predictions, targets }, { grads: true });
 */
export function selfAdjustingDice(
  inputs: RegionInputs,
  options?: SelfAdjustingDiceOptions,
): Promise<RegionResult> {
  return runAsync(steps(inputs, options), selfAdjustingDice);
}

/** selfAdjustingDice(), blocking. */
export function selfAdjustingDiceSync(
  inputs: RegionInputs,
  options?: SelfAdjustingDiceOptions,
): RegionResult {
  return runSync(steps(inputs, options), selfAdjustingDiceSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  alpha: option(numberFrom(0, 100), 1),
};
const { parseInputs, parseOptions } = defineCall(
  'selfAdjustingDice',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = { index: 'dice', transform: 'selfAdjusting', transformParameter: o.alpha } as const;
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
