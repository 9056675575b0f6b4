// prepareTarget: a target's own part in Betti matching, computed once for all the predictions that will be compared with
// it. The engine leaves it as words; what they mean is its own affair (cpu/topology/prepared_target.h).

import { cpu } from '../devices.js';
import { CutlossError } from '../errors.js';
import { defineOptions } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import type { Tensor } from '../tensor.js';
import { bracketed } from '../validate.js';
import { snapshot, type TensorLike, tensorOf, type View } from '../view.js';
import { output, type RunOptions, runOptions } from './loss.js';
import { prepareTargetOperation } from './topology-operations.js';
import {
  type FieldBatch,
  fieldBatch,
  readField,
  type TopologyOptions,
  topologyOptions,
} from './topology-options.js';

export type PrepareTargetOptions = TopologyOptions & Pick<RunOptions, 'signal' | 'copy'>;

const construct = Symbol('construct');

/** A target as bettiMatching() takes it up again. */
interface Preparation {
  /** A copy of the target. */
  readonly target: View;
  /** [items, words] */
  readonly words: Tensor<'int32'>;
  readonly batch: FieldBatch;
}

/** The preparation, undefined for whatever is no prepared target; a disposed one is an error. */
export let preparationOf: (value: unknown, name: string) => Preparation | undefined;

/**
 * A target that bettiMatching() takes in place of the tensor. Made by prepareTarget(). It holds a copy of the target, may be used by
 * any number of calls at once, and lives in ordinary memory, which the collector frees with it.
 */
export class PreparedTarget {
  readonly shape: readonly number[];
  readonly filtration: 'superlevel' | 'sublevel';
  readonly border: 'open' | 'closed';
  readonly dimensions: readonly number[];
  /** Memory that it holds. */
  readonly byteLength: number;
  #preparation: Preparation | undefined;

  /** @internal */
  constructor(key: symbol, preparation: Preparation) {
    if (key !== construct) {
      throw new CutlossError(
        'ERR_CUTLOSS_OPTION',
        'Expected prepareTarget() to make a PreparedTarget, not new PreparedTarget()',
      );
    }
    const { target, words, batch } = preparation;
    this.shape = Object.freeze([...target.shape]);
    this.filtration = batch.parameters.sublevel ? 'sublevel' : 'superlevel';
    this.border = batch.parameters.closed ? 'closed' : 'open';
    this.dimensions = Object.freeze(dimensionsOf(batch));
    this.byteLength = tensorOf(target).byteLength + words.byteLength;
    this.#preparation = preparation;
    Object.freeze(this);
  }

  get disposed(): boolean {
    return this.#preparation === undefined;
  }

  /** Lets go of the memory. Calls that are under way keep what they need. */
  dispose(): void {
    this.#preparation = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  static {
    preparationOf = (value, name) => {
      if (typeof value !== 'object' || value === null || !(#preparation in value)) return undefined;
      if (value.#preparation !== undefined) return value.#preparation;
      const message = `Expected a live prepared target for ${name} but received a disposed one`;
      throw new CutlossError('ERR_CUTLOSS_DISPOSED', message, { name });
    };
  }
}

/**
 * What a target contributes to bettiMatching() with it, computed once: for a target that is compared with many predictions, as
 * in every epoch of a training. Filtration, border and dimensions must be those of the later calls, whose results are
 * the same bits as without. The target is copied; changing it later changes nothing.
 *
 * @example
 * const target = await prepareTarget(mask);
 * const { loss } = await bettiMatching({ prediction, target });
 */
export function prepareTarget(target: TensorLike, options?: PrepareTargetOptions): Promise<PreparedTarget> {
  return runAsync(prepareTargetSteps(target, options), prepareTarget);
}

/** prepareTarget(), blocking. */
export function prepareTargetSync(target: TensorLike, options?: PrepareTargetOptions): PreparedTarget {
  return runSync(prepareTargetSteps(target, options), prepareTargetSync);
}

const parseOptions = defineOptions('option of prepareTarget', {
  ...topologyOptions,
  signal: runOptions.signal,
  copy: runOptions.copy,
});

function* prepareTargetSteps(value: unknown, options: unknown): Steps<PreparedTarget> {
  const o = parseOptions(options);
  const target = snapshot(readField(value, 'target'));
  const batch = fieldBatch(target, o);
  const { items, mostPreparedWords: capacity } = batch;
  const room = output('int32', [items, capacity], cpu, 'the prepared target');
  const job = prepareTargetOperation.job(
    { device: cpu, signal: o.signal, copy: false, lender: undefined },
    { target, prepared: room },
    { ...batch.parameters, capacity },
  );
  yield job;
  const words = prepareTargetOperation.result(job, 'words');
  return new PreparedTarget(construct, { target, words: trimmed(room, words), batch });
}

/** Every item's words without the room that was left. */
function trimmed(room: Tensor<'int32'>, words: number): Tensor<'int32'> {
  const [items = 0, capacity = 0] = room.shape;
  const kept = output('int32', [items, words], cpu, 'the prepared target');
  const [from, to] = [room.dataSync(), kept.dataSync()];
  for (let item = 0; item < items; item++)
    to.set(from.subarray(item * capacity, item * capacity + words), item * words);
  return kept;
}

/** Refuses a target that was prepared for other fields than these. */
export function expectPreparedFor(batch: FieldBatch, prepared: FieldBatch): void {
  const words = ({ parameters, ...rest }: FieldBatch): Record<string, string> => ({
    filtration: parameters.sublevel ? "'sublevel'" : "'superlevel'",
    border: parameters.closed ? "'closed'" : "'open'",
    dimensions: bracketed(dimensionsOf({ parameters, ...rest })),
  });
  const [asked, there] = [words(batch), words(prepared)];
  for (const name of Object.keys(asked)) {
    if (asked[name] === there[name]) continue;
    throw new CutlossError(
      'ERR_CUTLOSS_OPTION',
      `Expected ${name} ${there[name]}, for which the target was prepared, but received ${asked[name]}`,
      { name },
    );
  }
}

function dimensionsOf({ axes, parameters }: FieldBatch): number[] {
  return [0, 1, 2].filter((dimension) => dimension < axes && parameters.dimensions & (1 << dimension));
}
