// crossEntropy: any function of a row of logits' softmax at the target, with its gradient, in one pass of the rows
// engine; two where the objective needs every row first. The example that the other losses follow: read, check, plan,
// yield a job, wrap up.

import { cpu } from '../devices.js';
import { storage } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { defineCall, type Parsed, raw } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import { bracketed } from '../validate.js';
import { readView, sameShape, sizeOf, snapshot, type TensorLike, type View } from '../view.js';
import {
  expectDType,
  expectShape,
  gradientTarget,
  type LossOptions,
  lossOptions,
  output,
  placeOf,
  readOptionalView,
  readUpstreamFor,
  reductions,
} from './loss.js';
import { type Objective, readObjective } from './objectives.js';
import { type RowOptions, type RowResult, rowOptions } from './row-options.js';
import { type Judgement, judge, rowsOperation } from './rows-operation.js';

export interface LogitInputs {
  /** [..., classes] float32, float16 or bfloat16. */
  logits: TensorLike;
  /** Class ids [...] of int32, int64 or uint8; or probabilities of the logits' shape, of any floating dtype. */
  targets: TensorLike;
  /** [...] float32, one per row; 'mean' divides by their sum. */
  weights?: TensorLike;
  /** [classes] float32; 'mean' divides by their sum over the rows' targets, as PyTorch does. */
  classWeights?: TensorLike;
}

/**
 * Softmax cross-entropy of logits, or any other objective of the target's probability, and the gradient.
 * Never blocks the event loop, but for arrays so small that a thread would cost more than the work.
 *
 * @example
 * const { loss, grads } = await crossEntropy({ logits, targets }, { grads: true });
 */
export function crossEntropy(
  inputs: LogitInputs,
  options?: RowOptions & LossOptions<'logits'>,
): Promise<RowResult<'logits'>> {
  return runAsync(crossEntropySteps(inputs, options), crossEntropy);
}

/** crossEntropy(), blocking. */
export function crossEntropySync(
  inputs: LogitInputs,
  options?: RowOptions & LossOptions<'logits'>,
): RowResult<'logits'> {
  return runSync(crossEntropySteps(inputs, options), crossEntropySync);
}

const inputTable = { logits: raw, targets: raw, weights: raw, classWeights: raw };
const optionTable = { ...lossOptions(['logits']), ...rowOptions };
const { parseInputs, parseOptions } = defineCall(
  'crossEntropy',
  inputTable,
  ['logits', 'targets'],
  optionTable,
);

function* crossEntropySteps(inputs: unknown, options: unknown): Steps<RowResult<'logits'>> {
  const o = parseOptions(options);
  const given = parseInputs(inputs);
  let logits = readView(given.logits, 'logits', 'logits have the shape [..., classes]');
  const { leading, rows, classes } = shapeOf(logits);
  let targets = readView(given.targets, 'targets', 'targets have the shape of the rows of logits');
  const weights = readOptionalView(given.weights, 'weights');
  const classWeights = readOptionalView(given.classWeights, 'classWeights');
  const upstream = readUpstreamFor(o.upstream, o.reduction, leading);
  const objective = readObjective(o.objective, leading, rows);
  checkTargets(targets, logits, leading);
  checkTogether(o, objective, targets, leading);
  checkWeights(weights, classWeights, leading, classes);

  const home = logits.device;
  if (o.copy && objective.batch && home === cpu) {
    logits = snapshot(logits); // one copy for both passes
    targets = snapshot(targets);
  }
  const place = placeOf([logits, targets, weights, classWeights, upstream.perItem], o);
  const gradient = gradientTarget(logits, o.grads.includes('logits'), o.out.logits);
  const perRow = (name: string) => output('float32', leading, home, name);
  const result: RowResult<'logits'> = { loss: 0, rows: 0, grads: {} };
  if (gradient !== undefined) result.grads.logits = gradient.tensor;
  if (o.reduction === 'none') result.perItem = perRow('perItem');
  for (const name of o.outputs) {
    if (name === 'argmax') result.argmax = output('int32', leading, home, name);
    else result[name] = perRow(name);
  }

  const parameters = {
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
    freshGradient: gradient?.fresh ? 1 : 0,
  };
  const borrowed: ['gradient'] | [] = gradient?.fresh === false ? ['gradient'] : [];
  let judged: Judgement | undefined;
  try {
    if (objective.batch)
      judged = yield* judge(objective.batch, { logits, targets }, parameters, leading, place);
    const operands = {
      logits,
      targets,
      weights,
      classWeights,
      upstream: upstream.perItem,
      objectiveLoss: judged?.loss,
      objectiveWeights: judged?.weights,
      gradient: gradient?.tensor,
      perItem: result.perItem,
      logProb: result.logProb,
      lse: result.lse,
      entropy: result.entropy,
      argmax: result.argmax,
    };
    const job = rowsOperation.job(place, operands, parameters, borrowed);
    yield job;
    result.loss = rowsOperation.result(job, 'loss');
    result.rows = rowsOperation.result(job, 'counted');
    return result;
  } catch (error) {
    if (gradient?.fresh) gradient.tensor.dispose();
    for (const made of [result.perItem, result.logProb, result.lse, result.entropy, result.argmax])
      made?.dispose();
    throw error;
  } finally {
    judged?.loss.dispose();
    judged?.weights.dispose();
  }
}

interface RowShape {
  /** The logits' shape without the classes. */
  readonly leading: readonly number[];
  readonly rows: number;
  readonly classes: number;
}

function shapeOf(logits: View): RowShape {
  expectDType(logits, 'float32', 'float16', 'bfloat16');
  const classes = logits.shape.at(-1) ?? 0;
  if (classes === 0) {
    const message = `Expected shape [..., classes] with at least one class for logits but received ${bracketed(logits.shape)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'logits' });
  }
  const leading = logits.shape.slice(0, -1);
  return { leading, rows: sizeOf(leading, 'logits'), classes };
}

function checkTargets(targets: View, logits: View, leading: readonly number[]): void {
  if (!storage(targets.dtype).floating) {
    expectDType(targets, 'int32', 'int64', 'uint8', 'float32', 'float16', 'bfloat16');
    const shape = bracketed(logits.shape);
    const like =
      leading.length === 0
        ? `, since logits of shape ${shape} are one row,`
        : `, one class id per row of logits ${shape},`;
    expectShape(targets, leading, like);
  } else if (sameShape(targets.shape, leading)) {
    const { dtype, shape } = targets;
    throw new CutlossError(
      'ERR_CUTLOSS_DTYPE',
      `Expected int32, int64 or uint8, as class ids are, for targets of shape ${bracketed(shape)} but received ${dtype}: write tensor(new Int32Array([...]))`,
      { name: 'targets', dtype },
    );
  } else {
    expectShape(targets, logits.shape, ' as logits have, for probabilities,');
  }
}

function checkWeights(
  weights: View | undefined,
  classWeights: View | undefined,
  leading: readonly number[],
  classes: number,
): void {
  if (weights !== undefined) {
    expectDType(weights, 'float32');
    expectShape(weights, leading, ', one weight per row of logits,');
  }
  if (classWeights !== undefined) {
    expectDType(classWeights, 'float32');
    expectShape(classWeights, [classes], ', one weight per class,');
  }
}

/** Options that are fine alone but not together. */
function checkTogether(
  o: Parsed<typeof optionTable>,
  objective: Objective,
  targets: View,
  leading: readonly number[],
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
    refuse('logits of [..., time, classes]', `shift ${o.shift}`, 'logits of [classes]');
  }
  if (!storage(targets.dtype).floating) return;
  const received = 'targets that are probabilities';
  if (objective.name !== 'crossEntropy') refuse('class ids', `the objective ${objective.name}`, received);
  if (o.outputs.includes('logProb')) refuse('class ids', "the output 'logProb'", received);
  if (o.ignoreIndex >= 0) refuse('class ids', `ignoreIndex ${o.ignoreIndex}`, received);
}
