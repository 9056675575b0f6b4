// What every loss on rows of logits does, wherever its logits come from: reads targets, weights, upstream and objective
// against the shape of the rows, plans outputs, and yields its job; two where the objective needs every row first.

import { cpu } from '../devices.js';
import { storage } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { type Job, type Operand, Operation, type Place } from '../operation.js';
import { type Option, type Parsed, raw } from '../options.js';
import type { Steps } from '../run.js';
import { type Tensor, wrap } from '../tensor.js';
import { bracketed } from '../validate.js';
import { readView, snapshot, type View } from '../view.js';
import type { BatchObjective } from './batch-objectives.js';
import {
  expectDType,
  expectShape,
  type GradientTarget,
  gradientTarget,
  type LossTable,
  output,
  placeOf,
  readOptionalView,
  readUpstreamFor,
  reductions,
  type Upstream,
} from './loss.js';
import { type Objective, readObjective } from './objectives.js';
import type { RowResult, RowTable } from './row-options.js';

/** The inputs of every loss on rows, as lines of a table. */
export const rowInputs: Readonly<Record<'targets' | 'weights' | 'classWeights', Option<unknown>>> = {
  targets: raw,
  weights: raw,
  classWeights: raw,
};

export type RowOptionsOf<D extends string> = Parsed<LossTable<D> & RowTable>;

/** The shape of the rows. */
export interface RowShape {
  readonly leading: readonly number[];
  readonly rows: number;
  readonly classes: number;
  /** What errors call the rows: 'logits'. */
  readonly of: string;
}

/** What a loss on rows is given beside its logits, read and found sound. */
export interface RowTerms {
  readonly targets: View;
  readonly weights: View | undefined;
  readonly classWeights: View | undefined;
  readonly upstream: Upstream;
  readonly objective: Objective;
}

export function readRowTerms<D extends string>(
  given: Parsed<typeof rowInputs>,
  o: RowOptionsOf<D>,
  { leading, rows, classes, of }: RowShape,
  checkTargets: (targets: View) => void,
): RowTerms {
  const targets = readView(given.targets, 'targets', `targets have the shape of the rows of ${of}`);
  const weights = readOptionalView(given.weights, 'weights', `weights have the shape of the rows of ${of}`);
  const classWeights = readOptionalView(
    given.classWeights,
    'classWeights',
    'classWeights have the shape [classes]',
  );
  const upstream = readUpstreamFor(o.upstream, o.reduction, leading);
  const objective = readObjective(o.objective, leading, rows);
  checkTargets(targets);
  checkTogether(o, objective, targets, leading, of);
  if (weights !== undefined) {
    expectDType(weights, 'float32');
    expectShape(weights, leading, `, one weight per row of ${of},`);
  }
  if (classWeights !== undefined) {
    expectDType(classWeights, 'float32');
    expectShape(classWeights, [classes], ', one weight per class,');
  }
  return { targets, weights, classWeights, upstream, objective };
}

/** Class ids, one per row; `like` is the shape of what the rows are of, `advice` what to say where they are not. */
export function expectIds(
  targets: View,
  { leading, of }: RowShape,
  like: readonly number[],
  advice: string | undefined,
): void {
  const shape = bracketed(like);
  const reason =
    leading.length === 0
      ? `, since ${of} of shape ${shape} are one row,`
      : `, one class id per row of ${of} ${shape},`;
  expectShape(targets, leading, reason, advice);
}

/** Options that are fine alone but not together. */
function checkTogether(
  o: RowOptionsOf<string>,
  objective: Objective,
  targets: View,
  leading: readonly number[],
  of: string,
): void {
  const refuse = (what: string, name: string, received: string): never => {
    throw new CutlossError('ERR_CUTLOSS_OPTION', `Expected ${what} for ${name} but received ${received}`, {
      name,
    });
  };
  if (o.labelSmoothing !== 0 && objective.name !== 'crossEntropy') {
    refuse("the objective 'crossEntropy'", 'labelSmoothing', objective.name);
  }
  if (o.shift > 0 && leading.length === 0) {
    const last = of === 'hidden' ? 'dim' : 'classes';
    refuse(`${of} of [..., time, ${last}]`, `shift ${o.shift}`, `${of} of [${last}]`);
  }
  if (!storage(targets.dtype).floating) return;
  const received = 'targets that are probabilities';
  if (objective.name !== 'crossEntropy') refuse('class ids', `the objective ${objective.name}`, received);
  if (o.outputs.includes('logProb')) refuse('class ids', "the output 'logProb'", received);
  if (o.ignoreIndex >= 0) refuse('class ids', `ignoreIndex ${o.ignoreIndex}`, received);
}

const inputViews = [
  'targets',
  'weights',
  'classWeights',
  'upstream',
  'objectiveLoss',
  'objectiveWeights',
] as const;
const outputViews = ['perItem', 'logProb', 'lse', 'entropy', 'argmax'] as const;
const parameters = [
  'rows',
  'classes',
  'time',
  'shift',
  'ignoreIndex',
  'reduction',
  'objective',
  'objectiveFirst',
  'objectiveSecond',
  'labelSmoothing',
  'zLoss',
  'softcap',
  'temperature',
  'divisor',
  'upstreamScale',
] as const;

/** An operation of the engines on rows: what every one has (engine/row_loss.h), and its own. */
export type RowOperation<Own extends string, Parameter extends string, Result extends string> = Operation<
  Own | (typeof inputViews)[number] | (typeof outputViews)[number],
  Parameter | (typeof parameters)[number],
  Result | 'loss' | 'counted'
>;

export function rowOperation<
  const Own extends string,
  const Parameter extends string,
  const Result extends string = never,
>(
  name: string,
  own: { views: readonly Own[]; parameters: readonly Parameter[]; results?: readonly Result[] },
): RowOperation<Own, Parameter, Result> {
  return new Operation(name, {
    views: [...own.views, ...inputViews, ...outputViews],
    parameters: [...parameters, ...own.parameters],
    results: ['loss', 'counted', ...(own.results ?? [])],
  });
}

/** A gradient of a loss on rows: the input it is of, and the operation's names for it and for fresh memory. */
export interface RowGradient<D extends string> {
  readonly of: D;
  readonly view: string;
  readonly fresh?: string;
}

/** A loss on rows, ready to run. */
export interface RowLoss<D extends string> {
  // biome-ignore lint/suspicious/noExplicitAny: the names are those of `sources`, `gradients` and `own`
  readonly operation: Operation<any, any, any>;
  readonly shape: RowShape;
  readonly options: RowOptionsOf<D>;
  readonly terms: RowTerms;
  /** What the logits come from, by the operation's names; the first is where outputs live. */
  readonly sources: Readonly<Record<string, View | undefined>>;
  readonly gradients: readonly RowGradient<D>[];
  /** The operation's own parameters. */
  readonly own: Readonly<Record<string, number>>;
  /** About how many nanoseconds it takes, where views do not tell. */
  readonly work?: number;
  /** Whether to return the result `keptTiles`. */
  readonly filters?: boolean;
}

export function* rowLossSteps<D extends string>(loss: RowLoss<D>): Steps<RowResult<D>> {
  const { operation, shape, options: o, terms } = loss;
  const { leading } = shape;
  const { weights, classWeights, upstream, objective } = terms;
  let { sources } = loss;
  let { targets } = terms;
  const home = (Object.values(sources)[0] as View).device;
  if (o.copy && objective.batch && home === cpu) {
    sources = snapshots(sources); // one copy for both passes
    targets = snapshot(targets);
  }
  const place = placeOf([...Object.values(sources), targets, weights, classWeights, upstream.perItem], o);

  const result: RowResult<D> = { loss: 0, rows: 0, grads: {} };
  const made: Tensor[] = [];
  // Every name from the beginning: objects that grow by computed keys are slow, and small calls feel it.
  const operands: Record<string, Operand | undefined> = {
    ...operation.noOperands,
    ...sources,
    targets,
    weights,
    classWeights,
  };
  const given: Record<string, number> = Object.assign(rowParameters(loss), loss.own);
  const borrowed: string[] = [];
  let judged: Judgement | undefined;
  try {
    for (const { of, view, fresh } of loss.gradients) {
      const target = targetOf(loss, of);
      if (fresh !== undefined) given[fresh] = target?.fresh ? 1 : 0;
      if (target === undefined) continue;
      operands[view] = result.grads[of] = target.tensor;
      if (target.fresh) made.push(target.tensor);
      else borrowed.push(view);
    }
    const perRow = <T extends 'float32' | 'int32'>(dtype: T, name: string): Tensor<T> => {
      const tensor = output(dtype, leading, home, name);
      made.push(tensor);
      return tensor;
    };
    if (o.reduction === 'none') result.perItem = perRow('float32', 'perItem');
    for (const name of o.outputs) {
      if (name === 'argmax') result.argmax = perRow('int32', name);
      else result[name] = perRow('float32', name);
    }
    if (objective.batch) judged = yield* judge(loss, objective.batch, { ...sources, targets }, given, place);
    operands.perItem = result.perItem;
    operands.logProb = result.logProb;
    operands.lse = result.lse;
    operands.entropy = result.entropy;
    operands.argmax = result.argmax;
    operands.upstream = upstream.perItem;
    operands.objectiveLoss = judged?.loss;
    operands.objectiveWeights = judged?.weights;
    const job = operation.job(place, operands, given, borrowed, loss.work);
    yield job;
    result.loss = operation.result(job, 'loss');
    result.rows = operation.result(job, 'counted');
    if (loss.filters) result.keptTiles = operation.result(job, 'keptTiles');
    return result;
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  } finally {
    judged?.loss.dispose();
    judged?.weights.dispose();
  }
}

function snapshots(sources: RowLoss<string>['sources']): RowLoss<string>['sources'] {
  return Object.fromEntries(
    Object.entries(sources).map(([name, view]) => [name, view === undefined ? view : snapshot(view)]),
  );
}

/** A gradient of an input that was not given is none; asking for it by name is the caller's to find out. */
function targetOf<D extends string>({ sources, options }: RowLoss<D>, of: D): GradientTarget | undefined {
  const source = sources[of];
  if (source !== undefined) return gradientTarget(source, options.grads.includes(of), options.out[of]);
  if (options.out[of] === undefined) return undefined;
  const message = `Expected ${of} to be given since out.${of} is to receive its gradient`;
  throw new CutlossError('ERR_CUTLOSS_OPTION', message, { name: `out.${of}` });
}

function rowParameters({
  shape,
  options: o,
  terms: { objective, upstream },
}: RowLoss<string>): Record<(typeof parameters)[number], number> {
  const { leading, rows, classes } = shape;
  return {
    rows,
    classes,
    time: leading.at(-1) ?? 1,
    shift: rows === 0 ? 0 : o.shift,
    ignoreIndex: o.ignoreIndex,
    reduction: reductions.indexOf(o.reduction),
    objective: objective.index,
    objectiveFirst: objective.first,
    objectiveSecond: objective.second,
    labelSmoothing: o.labelSmoothing,
    zLoss: o.zLoss,
    softcap: o.softcap,
    temperature: o.temperature,
    divisor: o.divisor,
    upstreamScale: upstream.scale,
  };
}

/** What a batch objective says of every row, beside the logits. */
interface Judgement {
  readonly loss: Tensor;
  readonly weights: Tensor;
}

/** Measures log p of every row, and asks the objective about it. */
function* judge(
  { operation, shape: { leading }, gradients, work }: RowLoss<string>,
  objective: BatchObjective,
  operands: Readonly<Record<string, View | undefined>>,
  given: Readonly<Record<string, number>>,
  place: Place,
): Generator<Job, Judgement, void> {
  const home = (operands.targets as View).device;
  const logProb = output('float32', leading, home, 'logProb');
  const argmax = output('int32', leading, home, 'argmax');
  try {
    const plain = { objective: 0, labelSmoothing: 0, zLoss: 0, reduction: reductions.indexOf('sum') };
    const stale = Object.fromEntries(gradients.flatMap(({ fresh }) => (fresh ? [[fresh, 0]] : [])));
    yield operation.job(place, { ...operands, logProb, argmax }, { ...given, ...plain, ...stale }, [], work);
    const { loss, weights } = objective(logProb.dataSync(), argmax.dataSync());
    return { loss: beside(loss, leading, home), weights: beside(weights, leading, home) };
  } finally {
    logProb.dispose();
    argmax.dispose();
  }
}

function beside(values: Float32Array, shape: readonly number[], home: number): Tensor {
  const host = wrap(values, 'float32', [...shape], values.length, -1);
  return home < 0 ? host : host.toSync(`cuda:${home}`);
}
