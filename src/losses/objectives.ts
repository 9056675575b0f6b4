// Row objectives. Those that the engine computes come from its own list (math/rows/objectives.h), names, defaults and
// ranges included. Those that need the whole batch, a JavaScript function or pass@N, are in batch-objectives.ts.

import { native, type ObjectiveInfo } from '../native.js';
import { defineOptions, type Option, option } from '../options.js';
import { boolean, choice, expected, isObject, numberFrom } from '../validate.js';
import type { TensorLike } from '../view.js';
import { type BatchObjective, fromFunction, type ObjectiveFunction, passAtN } from './batch-objectives.js';

/** A function of the target's probability p only. Each is one cross-entropy with row weights. */
export type RowObjective =
  /** -log p. */
  | 'crossEntropy'
  /** Focal loss (Lin et al. 2017): -(1 - p)^gamma log p. */
  | {
      kind: 'focal';
      /** At least 0, which is cross-entropy; the larger, the less weigh rows that are right already. Default 2. */
      gamma?: number;
      /** Whether the factor (1 - p)^gamma is a constant to the gradient. Default false. */
      detach?: boolean;
    }
  /** Poly-1 (Leng et al. 2022): -log p + epsilon (1 - p). */
  | {
      kind: 'poly1';
      /** Default 1. */
      epsilon?: number;
    }
  /** Generalized cross-entropy (Zhang and Sabuncu 2018): (1 - p^q) / q, constant for p <= truncateAt. */
  | {
      kind: 'generalized';
      /** Positive: towards 0 it is cross-entropy, at 1 the mean absolute error. Default 0.7. */
      q?: number;
      /** From 0 to 1: rows whose p is no larger have no gradient. Default 0, which truncates nothing. */
      truncateAt?: number;
    }
  /** Comp-sum losses (Mao et al. 2023): (p^(tau - 1) - 1) / (1 - tau). */
  | {
      kind: 'compSum';
      /** At least 0: at 1 it is cross-entropy, at 2 the mean absolute error. Required. */
      tau: number;
    }
  /** Mean absolute error: 1 - p. */
  | { kind: 'meanAbsolute' }
  /** Symmetric cross-entropy (Wang et al. 2019): -alpha log p + beta 9.21 (1 - p), where 9.21 is -log 1e-4. */
  | {
      kind: 'symmetric';
      /** Default 0.1. */
      alpha?: number;
      /** Default 1. */
      beta?: number;
    }
  /** Encouraging loss (Zhao et al. 2022): -log p + log(1 - p), continued by its tangent beyond p = end. */
  | {
      kind: 'encouraging';
      /** From 0 to 1. Default 0.75. */
      end?: number;
    }
  /**
   * pass@N: -log(1 - (1 - P)^n) per sequence, P the product of its rows' p, spread evenly over its rows that count.
   * 'sum' is thus the sum over sequences; but 'mean' divides by rows (or their `weights`), as for every row loss.
   */
  | {
      kind: 'passAtN';
      /** How many samples are drawn: an integer of at least 1. Required. */
      n: number;
      /** The id of the sequence that each row belongs to: int32, int64 or uint8, of the targets' shape. Required. */
      segments: TensorLike;
    }
  /** Any reweighting: given log p per row, it returns the loss per row and w = -dloss/dlogp. */
  | ObjectiveFunction;

export interface Objective {
  /** 'crossEntropy', … as errors call it. */
  readonly name: string;
  /** Its number for the engine; that of "given row by row" for a batch objective. */
  readonly index: number;
  readonly first: number;
  readonly second: number;
  readonly batch: BatchObjective | undefined;
}

const crossEntropy: Objective = { name: 'crossEntropy', index: 0, first: 0, second: 0, batch: undefined };

/** `leading` is the shape of the rows. */
export function readObjective(value: unknown, leading: readonly number[], rows: number): Objective {
  if (value === undefined || value === 'crossEntropy') return crossEntropy;
  if (typeof value === 'function') return given('a function', fromFunction(value as ObjectiveFunction, rows));
  const kinds = [...native().objectives.map((objective) => objective.name), 'passAtN'];
  const what = `'crossEntropy', a function, or an object of kind ${choice(kinds.slice(1))}`;
  if (!isObject(value)) {
    const advice = kinds.includes(value as string) ? `write { kind: '${value}' }` : undefined;
    throw expected('ERR_CUTLOSS_OPTION', what, 'objective', value, advice);
  }

  // The kind decides which options there are, so it is read first, and from then on comes from here.
  const { kind } = value;
  if (kind === 'passAtN') return given('passAtN', passAtN(value, leading));
  const index = native().objectives.findIndex((objective) => objective.name === kind);
  if (index < 0) throw expected('ERR_CUTLOSS_OPTION', choice(kinds), 'objective.kind', kind);
  const info = native().objectives[index] as ObjectiveInfo;
  const [first = 0, second = 0] = readParameters(info, value);
  return { name: info.name, index, first, second, batch: undefined };
}

function given(name: string, batch: BatchObjective): Objective {
  return { name, index: native().objectives.length, first: 0, second: 0, batch };
}

/** Parameters that are a switch to users and a number to the engine. */
const switches = new Set(['detach']);
const parsers = new Map<string, (options: unknown) => Readonly<Record<string, unknown>>>();

function readParameters(info: ObjectiveInfo, value: Record<string, unknown>): number[] {
  let parse = parsers.get(info.name);
  if (parse === undefined) {
    const table: Record<string, Option<unknown>> = {};
    for (const { name, fallback, low, high, required } of info.parameters) {
      const reader = switches.has(name) ? boolean : numberFrom(low, high);
      table[name] = option<unknown>(reader, required ? undefined : fallback);
    }
    parse = defineOptions(`option of the objective ${info.name}`, table, {
      within: 'objective',
      unread: ['kind'],
    });
    parsers.set(info.name, parse);
  }
  const parsed = parse(value);
  return info.parameters.map(({ name }) => {
    const parameter = parsed[name];
    if (parameter === undefined)
      throw expected('ERR_CUTLOSS_OPTION', 'a number', `objective.${name}`, undefined);
    return Number(parameter);
  });
}
