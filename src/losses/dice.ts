// dice: 1 - 2 I / (P + Y), the Sørensen-Dice overlap of soft regions. The example that the other losses of regions
// follow: a table of options, the index it asks for.

import { defineCall } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
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

/**
 * Dice loss of soft regions, 1 - (2 sum p y + smooth) / (sum p + sum y + smooth), and the gradient, in two passes over
 * the predictions and without one-hot targets or probabilities in between.
 *
 * @example
 * const { loss, grads } = await dice({ predictions, targets }, { grads: true });
 */
export function dice(
  inputs: RegionInputs,
  options?: RegionOptions & LossOptions<'predictions'>,
): Promise<RegionResult> {
  return runAsync(steps(inputs, options), dice);
}

/** dice(), blocking. */
export function diceSync(
  inputs: RegionInputs,
  options?: RegionOptions & LossOptions<'predictions'>,
): RegionResult {
  return runSync(steps(inputs, options), diceSync);
}

const optionTable = { ...lossOptions(['predictions']), ...regionOptions };
const { parseInputs, parseOptions } = defineCall('dice', regionInputs, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  return yield* regionSteps({ index: 'dice' }, o, parseInputs(inputs));
}
