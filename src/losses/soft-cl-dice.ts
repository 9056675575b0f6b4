// softClDice: how much of the skeleton of each lies in the other, for vessels, roads and whatever else is thin.

import { defineCall, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { integerFrom, numberFrom } from '../validate.js';
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

export type SoftClDiceOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** Rounds of erosion, up to 1000: about the radius in pixels of the thickest structure. Default 3. */
    iterations?: number;
    /** The share of clDice; the rest is Dice. Default 1. */
    weight?: number;
  };

/**
 * Soft clDice of images in 2-D or 3-D (Shit et al. 2021), and the gradient: 1 - 2ab / (a + b) with a the share of the
 * prediction's soft skeleton that lies in the labels, b that of the labels' in the prediction. Pixels that weigh nothing
 * are background to the skeletons. Where several pixels are the least or the largest of a neighbourhood, the first in
 * row-major order has the gradient. Takes scratch memory of about eight bytes per prediction, and of
 * 8 (iterations + 5) per pixel and thread; on a GPU for as many classes of images at a time as fit a gibibyte.
 *
 * @example
 * const { loss, grads } = await softClDice({ predictions, targets }, { weight: 0.5, background: false, grads: true });
 */
export function softClDice(inputs: RegionInputs, options?: SoftClDiceOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), softClDice);
}

/** softClDice(), blocking. */
export function softClDiceSync(inputs: RegionInputs, options?: SoftClDiceOptions): RegionResult {
  return runSync(steps(inputs, options), softClDiceSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  iterations: option(integerFrom(0, 1000), 3),
  weight: option(numberFrom(0, 1), 1),
};
const { parseInputs, parseOptions } = defineCall(
  'softClDice',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = { planes: 'softClDice', rounds: o.iterations, first: o.weight } as const;
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
