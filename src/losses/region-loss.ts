// regionLoss: loss and gradient of a batch from moments that were merged elsewhere, so that a region may lie on several
// devices or machines.

import { copyOf } from '../dtype.js';
import { typedArrayKind } from '../memory.js';
import { native } from '../native.js';
import { defineCall, option, optional } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { expected, isObject, numberFrom, oneOf, readArray } from '../validate.js';
import { type LossOptions, lossOptions } from './loss.js';
import {
  type RegionInputs,
  type RegionMoments,
  type RegionOptions,
  type RegionResult,
  regionInputs,
  regionOptions,
  requiredRegionInputs,
} from './region-options.js';
import { type RegionFormula, regionSteps, weightings } from './regions-operation.js';

export type RegionLossKind = 'dice' | 'jaccard' | 'tversky' | 'generalizedDice';

export type RegionLossOptions = RegionOptions &
  LossOptions<'predictions'> & {
    /** Weight of false positives, for 'tversky'. Default 0.5. */
    alpha?: number;
    /** Weight of false negatives, for 'tversky'. Default 0.5. */
    beta?: number;
    /** What a class weighs by the size of its target, for 'generalizedDice'. Default 'square'. */
    weighting?: 'square' | 'simple' | 'uniform';
  };

/**
 * The loss that the moments of all parts give, and the gradient of the part at hand. The options must be those that the
 * moments were taken with; the moments of 'generalizedDice' tell classes apart (over 'imageClass' or 'class').
 *
 * @example
 * const { values, names } = await regionMoments({ predictions, targets }, { over: 'class' });
 * const moments = { names, values: await allReduce(values) };
 * const { loss, grads } = await regionLoss('dice', moments, { predictions, targets }, { over: 'class', grads: true });
 */
export function regionLoss(
  kind: RegionLossKind,
  moments: RegionMoments,
  inputs: RegionInputs,
  options?: RegionLossOptions,
): Promise<RegionResult> {
  return runAsync(steps(kind, moments, inputs, options), regionLoss);
}

/** regionLoss(), blocking. */
export function regionLossSync(
  kind: RegionLossKind,
  moments: RegionMoments,
  inputs: RegionInputs,
  options?: RegionLossOptions,
): RegionResult {
  return runSync(steps(kind, moments, inputs, options), regionLossSync);
}

const optionTable = {
  ...lossOptions(['predictions']),
  ...regionOptions,
  over: optional(regionOptions.over.read),
  alpha: option(numberFrom(0, 1e6), 0.5),
  beta: option(numberFrom(0, 1e6), 0.5),
  weighting: option(oneOf(...weightings), 'square'),
};
const { parseInputs, parseOptions } = defineCall(
  'regionLoss',
  regionInputs,
  requiredRegionInputs,
  optionTable,
);
const readKind = oneOf('dice', 'jaccard', 'tversky', 'generalizedDice');

function* steps(kind: unknown, moments: unknown, inputs: unknown, options: unknown): Steps<RegionResult> {
  const name = readKind(kind, 'kind');
  const merged = readMoments(moments);
  const parsed = parseOptions(options);
  const generalized = name === 'generalizedDice';
  const over = parsed.over ?? (generalized ? 'image' : regionOptions.over.fallback);
  const formula: RegionFormula = generalized
    ? { index: 'dice', weighting: parsed.weighting, classMoments: true }
    : { index: name, first: parsed.alpha, second: parsed.beta };
  return yield* regionSteps(formula, { ...parsed, over }, parseInputs(inputs), merged);
}

function readMoments(value: unknown): RegionMoments {
  if (!isObject(value)) throw expected('ERR_CUTLOSS_OPTION', '{ names, values }', 'moments', value);
  const { names, values } = value;
  const columns = native().regionMoments;
  const found = readArray(names, 'moments.names', 'the names of moments', columns.length);
  for (let i = 0; i < columns.length; i++) {
    if (found[i] !== columns[i])
      throw expected('ERR_CUTLOSS_OPTION', `'${columns[i]}'`, `moments.names[${i}]`, found[i]);
  }
  if (typedArrayKind(values) !== 'Float64Array')
    throw expected('ERR_CUTLOSS_DTYPE', 'a Float64Array', 'moments.values', values);
  return { names: columns, values: copyOf(values as Float64Array) as Float64Array };
}
