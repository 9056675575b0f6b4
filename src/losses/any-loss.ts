// anyLoss: any metric of the confusion matrix as a loss, of predictions made nearly hard by a steep sigmoid.

import { defineCall, option } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { numberFrom, oneOf, positive } from '../validate.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  activations,
  overs,
  type RegionInputs,
  type RegionOptions,
  type RegionResult,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
  smoothing,
} from './region-options.js';
import { regionSteps } from './regions-operation.js';

export type AnyLossOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** Default 'fBeta'. */
    metric?: 'fBeta' | 'accuracy' | 'balancedAccuracy' | 'gMean' | 'mcc';
    /** How many times as much recall weighs as precision, for 'fBeta'. Default 1. */
    beta?: number;
    /** How steep the sigmoid is. Default 73. */
    amplify?: number;
  };

/**
 * AnyLoss (Han et al. 2024): one minus a metric of the confusion matrix, whose entries are sums of
 * 1 / (1 + exp(-amplify (p - 0.5))), and the gradient. Unlike the other losses it is 'sigmoid' over each 'class' of the
 * whole batch, and not smoothed, by default.
 *
 * @example
 * const { loss, grads } = await anyLoss({ predictions, targets }, { metric: 'mcc', grads: true });
 */
export function anyLoss(inputs: RegionInputs, options?: AnyLossOptions): Promise<RegionResult> {
  return runAsync(steps(inputs, options), anyLoss);
}

/** anyLoss(), blocking. */
export function anyLossSync(inputs: RegionInputs, options?: AnyLossOptions): RegionResult {
  return runSync(steps(inputs, options), anyLossSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  activation: option(oneOf(...activations), 'sigmoid'),
  over: option(oneOf(...overs), 'class'),
  smooth: smoothing(0),
  metric: option(oneOf('fBeta', 'accuracy', 'balancedAccuracy', 'gMean', 'mcc'), 'fBeta'),
  beta: option(positive, 1),
  amplify: option(numberFrom(0, 1e4), 73),
};
const { parseInputs, parseOptions } = defineCall('anyLoss', regionInputs, requiredRegionInputs, optionTable);

function* steps(inputs: unknown, options: unknown): Steps<RegionResult> {
  const o = parseOptions(options);
  const formula = {
    index: o.metric,
    first: o.beta,
    transform: 'steep',
    transformParameter: o.amplify,
  } as const;
  return yield* regionSteps(formula, o, parseInputs(inputs));
}
