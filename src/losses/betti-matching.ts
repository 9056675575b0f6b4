// bettiMatching: the loss that sees which components, loops and cavities of a prediction have their counterpart in the
// target (Stucki et al. 2023). The engine computes everything in one job; here bars become pairs.

import { cpu } from '../devices.js';
import { defineCall, defineOptions, option, type Parsed, raw } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import type { Tensor } from '../tensor.js';
import { expected, isObject, listOf, numberFrom, oneOf, type Reader } from '../validate.js';
import type { TensorLike, View } from '../view.js';
import {
  expectDType,
  expectShape,
  gradientTarget,
  type LossOptions,
  type LossResult,
  lossOptions,
  output,
  readUpstreamFor,
  reductions,
} from './loss.js';
import { expectPreparedFor, type PreparedTarget, preparationOf } from './prepare-target.js';
import { Terrain } from './representatives.js';
import { BarOutputs, byItem, matchingOperation } from './topology-operations.js';
import {
  type Bars,
  type FieldBatch,
  fieldBatch,
  placeOfFields,
  readField,
  type TopologyOptions,
  topologyOptions,
} from './topology-options.js';

export interface BettiMatchingInputs {
  /** [batch, height, width] or [batch, depth, height, width]. */
  prediction: TensorLike;
  /** Of the same shape and any dtype, compared as float32; or what prepareTarget() made of it. */
  target: TensorLike | PreparedTarget;
}

export interface BettiMatchingOptions extends TopologyOptions, LossOptions<'prediction'> {
  /** What the prediction goes through first; 'sigmoid' for logits, its result rounded to float32. Default 'none'. */
  activation?: 'none' | 'sigmoid';
  /** What features without a counterpart cost. */
  unmatched?: {
    /**
     * Features of the prediction: 'diagonal', the default, shrinks them ((b - d)^2), 'oneZero' makes them last from
     * beginning to end (2 [(b - 1)^2 + d^2]; in a sublevel filtration from 0 to 1), 'ignore' leaves them alone.
     */
    prediction?: 'diagonal' | 'oneZero' | 'ignore';
    /** Features of the target: 'count', the default, adds (b - d)^2, a constant; 'ignore' adds nothing. */
    target?: 'count' | 'ignore';
  };
  /** Bars of the prediction that are shorter are treated as if they were not there. Default 0. */
  minPersistence?: number;
  /** What else to return; representatives come with the pairs they belong to. */
  outputs?: readonly ('pairs' | 'representatives')[];
}

/** Which bars of one item and dimension belong together: matched ones stand at the same places of both lists. */
export interface BettiMatch {
  matched: { prediction: Bars; target: Bars };
  unmatchedPrediction: Bars;
  unmatchedTarget: Bars;
  /** Where the features are, with the output 'representatives'. */
  representatives?: Representatives;
}

/**
 * For every bar the row-major numbers of voxels in its own field: of a component all that belong to it just before it
 * dies, of a hole in 2-D or a cavity in 3-D those around it. Loops in 3-D have none.
 */
export interface Representatives {
  matched: { prediction: Int32Array[]; target: Int32Array[] };
  unmatchedPrediction: Int32Array[];
  unmatchedTarget: Int32Array[];
}

export interface BettiMatchingResult extends LossResult<'prediction'> {
  /** By item and dimension, with the output 'pairs' or 'representatives'. */
  pairs?: BettiMatch[][];
}

/**
 * Betti matching loss of scalar fields: over matched bars 2 [(b0 - b1)^2 + (d0 - d1)^2], over unmatched bars (b - d)^2.
 * One item is one field; equal values are ordered as docs/topology.md says. Computed on the CPU
 * unless `device` or the fields' own device is a GPU.
 *
 * @example
 * const { loss, grads } = await bettiMatching({ prediction, target }, { grads: true });
 */
export function bettiMatching(
  inputs: BettiMatchingInputs,
  options?: BettiMatchingOptions,
): Promise<BettiMatchingResult> {
  return runAsync(bettiMatchingSteps(inputs, options), bettiMatching);
}

/** bettiMatching(), blocking. */
export function bettiMatchingSync(
  inputs: BettiMatchingInputs,
  options?: BettiMatchingOptions,
): BettiMatchingResult {
  return runSync(bettiMatchingSteps(inputs, options), bettiMatchingSync);
}

/** In the order of UnmatchedPrediction and UnmatchedTarget in engine/topology.h. */
const unmatchedPredictions = ['diagonal', 'oneZero', 'ignore'] as const;
const unmatchedTargets = ['count', 'ignore'] as const;

const parseUnmatched = defineOptions(
  'option of unmatched',
  {
    prediction: option(oneOf(...unmatchedPredictions), 'diagonal'),
    target: option(oneOf(...unmatchedTargets), 'count'),
  },
  { within: 'unmatched' },
);
type Unmatched = ReturnType<typeof parseUnmatched>;
const readUnmatched: Reader<Unmatched> = (value, name) => {
  if (isObject(value)) return parseUnmatched(value);
  throw expected('ERR_CUTLOSS_OPTION', 'an object { prediction, target }', name, value);
};

const optionTable = {
  ...lossOptions(['prediction']),
  ...topologyOptions,
  activation: option(oneOf('none', 'sigmoid'), 'none'),
  unmatched: option(readUnmatched, parseUnmatched(undefined)),
  minPersistence: option(numberFrom(0, 3.4028234663852886e38), 0),
  outputs: option(listOf('pairs', 'representatives'), []),
};
const { parseInputs, parseOptions } = defineCall(
  'bettiMatching',
  { prediction: raw, target: raw },
  ['prediction', 'target'],
  optionTable,
);

function* bettiMatchingSteps(inputs: unknown, options: unknown): Steps<BettiMatchingResult> {
  const o: Parsed<typeof optionTable> = parseOptions(options);
  const given = parseInputs(inputs);
  const prediction = readField(given.prediction, 'prediction');
  expectDType(prediction, 'float32', 'float16', 'bfloat16');
  const prepared = preparationOf(given.target, 'target');
  const target = prepared?.target ?? readField(given.target, 'target');
  expectShape(target, prediction.shape, ' as prediction has');
  const batch = fieldBatch(prediction, o);
  if (prepared !== undefined) expectPreparedFor(batch, prepared.batch);
  const upstream = readUpstreamFor(o.upstream, o.reduction, [batch.items]);
  const place = placeOfFields([prediction, target, upstream.perItem], o);

  const home = prediction.device;
  const gradient = gradientTarget(prediction, o.grads.includes('prediction'), o.out.prediction);
  const result: BettiMatchingResult = { loss: 0, grads: {} };
  if (gradient !== undefined) result.grads.prediction = gradient.tensor;
  if (o.reduction === 'none') result.perItem = output('float32', [batch.items], home, 'perItem');
  const pairs = o.outputs.length > 0 ? new PairOutputs(batch, home) : undefined;
  try {
    const job = matchingOperation.job(
      place,
      {
        prediction,
        target,
        prepared: place.device === cpu ? prepared?.words : undefined,
        upstream: upstream.perItem,
        gradient: gradient?.tensor,
        perItem: result.perItem,
        ...pairs?.operands(),
      },
      {
        ...batch.parameters,
        capacity: batch.mostBars,
        sigmoid: Number(o.activation === 'sigmoid'),
        unmatchedPrediction: unmatchedPredictions.indexOf(o.unmatched.prediction),
        unmatchedTarget: unmatchedTargets.indexOf(o.unmatched.target),
        minPersistence: o.minPersistence,
        reduction: reductions.indexOf(o.reduction),
        upstreamScale: upstream.scale,
      },
      gradient?.fresh === false ? ['gradient'] : [],
    );
    yield job;
    result.loss = matchingOperation.result(job, 'loss');
    if (pairs !== undefined) result.pairs = byItem(batch, (item, dimension) => pairs.match(item, dimension));
    if (o.outputs.includes('representatives')) addRepresentatives(result, batch, [prediction, target]);
    return result;
  } catch (error) {
    if (gradient?.fresh) gradient.tensor.dispose();
    result.perItem?.dispose();
    throw error;
  } finally {
    pairs?.dispose();
  }
}

function addRepresentatives(
  { pairs = [] }: BettiMatchingResult,
  batch: FieldBatch,
  fields: readonly [View, View],
): void {
  for (const [item, dimensions] of pairs.entries()) {
    const [prediction, target] = fields.map((field) => new Terrain(field, batch, item)) as [Terrain, Terrain];
    for (const [dimension, match] of dimensions.entries()) {
      match.representatives = {
        matched: {
          prediction: prediction.representatives(match.matched.prediction, dimension),
          target: target.representatives(match.matched.target, dimension),
        },
        unmatchedPrediction: prediction.representatives(match.unmatchedPrediction, dimension),
        unmatchedTarget: target.representatives(match.unmatchedTarget, dimension),
      };
    }
  }
}

/** Bars of both fields, and which belong together. */
class PairOutputs {
  readonly #prediction: BarOutputs;
  readonly #target: BarOutputs;
  readonly #partner: Tensor<'int32'>;
  readonly #stride: readonly [item: number, dimension: number];

  constructor(batch: FieldBatch, home: number) {
    const { items, axes, mostBars } = batch;
    this.#prediction = new BarOutputs(batch, home);
    this.#target = new BarOutputs(batch, home);
    this.#partner = output('int32', [items, axes, mostBars], home, 'partner');
    this.#stride = [axes * mostBars, mostBars];
  }

  operands() {
    const [p, t] = [this.#prediction, this.#target];
    return {
      predictionBirth: p.birth,
      predictionDeath: p.death,
      predictionBirthIndex: p.birthIndex,
      predictionDeathIndex: p.deathIndex,
      predictionCounts: p.counts,
      targetBirth: t.birth,
      targetDeath: t.death,
      targetBirthIndex: t.birthIndex,
      targetDeathIndex: t.deathIndex,
      targetCounts: t.counts,
      partner: this.#partner,
    };
  }

  match(item: number, dimension: number): BettiMatch {
    const partners = this.#partner.dataSync().subarray(item * this.#stride[0] + dimension * this.#stride[1]);
    const matched: [prediction: number[], target: number[]] = [[], []];
    const alone: number[] = [];
    const taken = new Uint8Array(this.#target.count(item, dimension));
    for (let bar = 0; bar < this.#prediction.count(item, dimension); bar++) {
      const partner = partners[bar] as number;
      if (partner < 0) {
        alone.push(bar);
        continue;
      }
      matched[0].push(bar);
      matched[1].push(partner);
      taken[partner] = 1;
    }
    const left = [...taken.keys()].filter((bar) => taken[bar] === 0);
    return {
      matched: {
        prediction: this.#prediction.bars(item, dimension, matched[0]),
        target: this.#target.bars(item, dimension, matched[1]),
      },
      unmatchedPrediction: this.#prediction.bars(item, dimension, alone),
      unmatchedTarget: this.#target.bars(item, dimension, left),
    };
  }

  dispose(): void {
    this.#prediction.dispose();
    this.#target.dispose();
    this.#partner.dispose();
  }
}
