// jaccard: 1 - I / (P + Y - I), intersection over union of soft regions.

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

type JaccardOptions = RegionOptions & LossOptions<'predictions'>;

/**
 * Jaccard loss of soft regions, 1 - (sum p y + smooth) / (sum p + sum y - sum p y + smooth), and the gradient.
 *
 * @example
 * const { loss, grads } = await jaccard({ predictions, targets }, { grads: true });
 */
export function jaccard(inputs: RegionInputs, options?: JaccardOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), jaccard);
}

/** jaccard(), blocking. */
export function jaccardSync(inputs: RegionInputs, options?: JaccardOptions): RegionResult {
  return runSync(steps(inputs, options), jaccardSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
};
const { parseInputs, parseOptions } = defineCall('jaccard', regionInputs, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  return yield* regionSteps({ index: 'jaccard' }, o, parseInputs(inputs));
}
