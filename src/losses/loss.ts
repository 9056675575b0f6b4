// What every loss shares: the options reduction, grads, upstream, device, signal, copy and out; where it runs and where
// its outputs live; and the agreement between the tensors it is given.

import { cpu, type Device, defaultDevice, deviceName, elsewhere, readDevice } from '../devices.js';
import type { DType } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { LentMemory } from '../lent-memory.js';
import { isSignal } from '../memory.js';
import type { Place } from '../operation.js';
import { defineOptions, type Option, option, optional, raw } from '../options.js';
import { allocate, type Tensor } from '../tensor.js';
import {
  boolean,
  bracketed,
  choice,
  either,
  expected,
  finite,
  isObject,
  listOf,
  oneOf,
  type Reader,
} from '../validate.js';
import { readView, sameShape, sizeOf, type TensorLike, tensorOf, type View } from '../view.js';

export type Reduction = 'mean' | 'sum' | 'none';

/** Where and how something runs. */
export interface RunOptions {
  /** Where to run. Default: the device of the inputs, or for inputs on the CPU what setDevice() says. */
  device?: Device | 'cuda';
  /** Aborts the asynchronous form: it rejects with signal.reason, and nothing is half-written to `out`. */
  signal?: AbortSignal;
  /**
   * Whether asynchronous work is done on copies of the inputs. By default it reads the caller's own memory and writes
   * to the caller's `out`, whose ArrayBuffers can from then on not be transferred to another thread: Node 20 copies
   * them instead, later versions refuse. Results are not affected. Default false.
   */
  copy?: boolean;
}

/** The options of every loss. `Differentiable` names the inputs that have gradients. */
export interface LossOptions<Differentiable extends string> extends RunOptions {
  /** How the items' losses become one number. Default 'mean'. */
  reduction?: Reduction;
  /** Which gradients to compute: true for every differentiable input that was given, or their names. Default false. */
  grads?: boolean | readonly Differentiable[];
  /** dL/dloss: a number, or a float32 tensor with one per item where reduction is 'none'. Default 1. */
  upstream?: number | TensorLike;
  /** Memory to receive gradients, instead of fresh memory; dtype and shape of the input. Logits may be it themselves. */
  out?: Partial<Record<Differentiable, TensorLike>>;
}

export interface LossResult<Differentiable extends string> {
  /** The loss; with reduction 'none', the sum of perItem. */
  loss: number;
  /** One loss per item, with reduction 'none'. */
  perItem?: Tensor<'float32'>;
  /** dtype, shape and device of the input. */
  grads: { [Name in Differentiable]?: Tensor };
}

/** In the order of Reduction in engine/rows.h. */
export const reductions = ['mean', 'sum', 'none'] as const;

const readSignal: Reader<AbortSignal> = (value, name) => {
  if (isSignal(value)) return value;
  throw expected('ERR_CUTLOSS_OPTION', 'an AbortSignal', name, value);
};

/** A number at once; a tensor later, when the shape of the items is known. */
const readUpstream: Reader<unknown> = (value, name) => (isObject(value) ? value : finite(value, name));

function readGrads<const D extends string>(differentiable: readonly D[]): Reader<readonly D[]> {
  const list = listOf(...differentiable);
  return (value, name) => {
    if (typeof value === 'boolean') return value ? differentiable : [];
    if (isObject(value)) return list(value, name);
    throw expected('ERR_CUTLOSS_OPTION', `a boolean or an array of ${choice(differentiable)}`, name, value);
  };
}

/** RunOptions as lines of a table. */
export const runOptions: {
  readonly device: Option<number | undefined>;
  readonly signal: Option<AbortSignal | undefined>;
  readonly copy: Option<boolean>;
} = {
  device: optional(readDevice),
  signal: optional(readSignal),
  copy: option(boolean, false),
};

/** LossOptions as lines of a table. */
export interface LossTable<D extends string> {
  readonly [name: string]: Option<unknown>;
  readonly reduction: Option<Reduction>;
  readonly grads: Option<readonly D[]>;
  readonly upstream: Option<unknown>;
  readonly device: Option<number | undefined>;
  readonly signal: Option<AbortSignal | undefined>;
  readonly copy: Option<boolean>;
  readonly out: Option<Readonly<Record<string, unknown>>>;
}

export function lossOptions<const D extends string>(differentiable: readonly D[]): LossTable<D> {
  const form = `{ ${differentiable.join(', ')} }`;
  const byName = `give each tensor by the name of its input, out: { ${differentiable[0]}: … }`;
  const parseOut = defineOptions(
    'option of out',
    Object.fromEntries(differentiable.map((name) => [name, raw])),
    { title: 'out', form, forTensor: byName, elsewhere: { data: byName, shape: byName, dtype: byName } },
  );
  return {
    ...runOptions,
    reduction: option(oneOf(...reductions), 'mean'),
    grads: option(readGrads(differentiable), []),
    upstream: option(readUpstream, 1),
    out: option((value) => parseOut(value), {}),
  };
}

/** One device for all inputs; a loss on the CPU's memory may run elsewhere, a loss on a GPU's memory runs there. */
export function placeOf(
  views: readonly (View | undefined)[],
  o: {
    readonly device: number | undefined;
    readonly signal: AbortSignal | undefined;
    readonly copy: boolean;
  },
): Place {
  const first = views[0] as View;
  for (const view of views) if (view !== undefined) expectTogether(first, view);
  const home = first.device;
  if (home >= 0 && o.device !== undefined && o.device !== home) {
    throw new CutlossError(
      'ERR_CUTLOSS_DEVICE',
      `Expected ${deviceName(home)}, where the inputs are, for device but received ${deviceName(o.device)}`,
      { name: 'device' },
    );
  }
  const device = home < 0 ? (o.device ?? defaultDevice()) : home;
  const lender = first.memory instanceof LentMemory ? first.memory.lender : undefined;
  return { device, signal: o.signal, copy: o.copy, lender };
}

function expectTogether(first: View, view: View): void {
  if (view.device === first.device || (first.device === elsewhere && view.device === cpu)) return;
  throw new CutlossError(
    'ERR_CUTLOSS_DEVICE',
    `Expected memory on ${deviceName(first.device)}, where ${first.name} is, for ${view.name} but received memory on ${deviceName(view.device)}`,
    { name: view.name },
  );
}

export function readOptionalView(value: unknown, name: string, advice?: string): View | undefined {
  return value === undefined ? undefined : readView(value, name, advice);
}

export function expectDType(view: View, ...allowed: readonly DType[]): void {
  if (allowed.includes(view.dtype)) return;
  const message = `Expected ${either(allowed)} for ${view.name} but received ${view.dtype}`;
  throw new CutlossError('ERR_CUTLOSS_DTYPE', message, { name: view.name, dtype: view.dtype });
}

/** What `targets` of the wrong dtype are answered with. */
export function notIds({ dtype, shape }: View, advice = 'write tensor(new Int32Array([...]))'): CutlossError {
  return new CutlossError(
    'ERR_CUTLOSS_DTYPE',
    `Expected int32, int64 or uint8, as class ids are, for targets of shape ${bracketed(shape)} but received ${dtype}: ${advice}`,
    { name: 'targets', dtype },
  );
}

/** `like` says in words where the shape comes from. */
export function expectShape(view: View, shape: readonly number[], like: string, advice?: string): void {
  if (sameShape(view.shape, shape)) return;
  const message = `Expected shape ${bracketed(shape)}${like} for ${view.name} but received ${bracketed(view.shape)}`;
  throw new CutlossError('ERR_CUTLOSS_SHAPE', advice === undefined ? message : `${message}: ${advice}`, {
    name: view.name,
    expected: [...shape],
    received: [...view.shape],
  });
}

/** The upstream gradient: one factor for all, or a factor per item. */
export interface Upstream {
  readonly scale: number;
  readonly perItem: View | undefined;
}

export function readUpstreamFor(value: unknown, reduction: Reduction, items: readonly number[]): Upstream {
  if (typeof value === 'number') return { scale: value, perItem: undefined };
  const view = readView(value, 'upstream');
  expectDType(view, 'float32');
  if (reduction === 'none') {
    expectShape(view, items, ', one per item,');
    return { scale: 1, perItem: view };
  }
  if (view.size !== 1) {
    const message = `Expected a number or one element for upstream with reduction '${reduction}' but received shape ${bracketed(view.shape)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message, { name: 'upstream' });
  }
  return { scale: tensorOf(view).item(), perItem: undefined };
}

/** The tensor that receives an input's gradient: the caller's from `out`, else a fresh one; undefined if not wanted. */
export interface GradientTarget {
  readonly tensor: Tensor;
  readonly fresh: boolean;
}

export function gradientTarget(input: View, wanted: boolean, out: unknown): GradientTarget | undefined {
  const name = `out.${input.name}`;
  if (!wanted) {
    if (out === undefined) return undefined;
    const message = `Expected grads to ask for '${input.name}' since ${name} is to receive it`;
    throw new CutlossError('ERR_CUTLOSS_OPTION', message, { name });
  }
  if (out === undefined) {
    const tensor = allocate(
      input.dtype,
      [...input.shape],
      input.size,
      input.device,
      `the gradient of ${input.name}`,
    );
    return { tensor, fresh: true };
  }
  const view = readView(out, name);
  expectDType(view, input.dtype);
  expectShape(view, input.shape, ` as ${input.name} has`);
  expectTogether(input, view);
  return { tensor: tensorOf(view), fresh: false };
}

/** A fresh output beside the inputs. */
export function output<D extends DType>(
  dtype: D,
  shape: readonly number[],
  home: number,
  name: string,
): Tensor<D> {
  return allocate(dtype, [...shape], sizeOf(shape, name), home, name);
}
