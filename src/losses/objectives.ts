// Row objectives. Those that the engine computes come from its own list (math/rows/objectives.h), names, defaults and
// ranges included. Those that need the whole batch, a JavaScript function or pass@N, are in batch-objectives.ts.

import { native, type ObjectiveInfo } from '../native.js';
import { defineOptions, type Option, option } from '../options.js';
import { boolean, choice, expected, isObject, numberFrom } from '../validate.js';
import type { TensorLike } from '../view.js';
import { type BatchObjective, fromFunction, type ObjectiveFunction, passAtN } from './batch-objectives.js';

/** A function of the target's probability p only. Each is one cross-entropy with row weights. */
export type RowObjective =
  | 'crossEntropy'
  /** -(1 - p)^gamma log p; detached, the factor is a constant to the gradient. */
  | { kind: 'focal'; gamma?: number /* 2 */; detach?: boolean /* false */ }
  /** -log p + epsilon (1 - p) */
  | { kind: 'poly1'; epsilon?: number /* 1 */ }
  /** (1 - p^q) / q, constant for p <= truncateAt */
  | { kind: 'generalized'; q?: number /* 0.7 */; truncateAt?: number }
  /** (p^(tau - 1) - 1) / (1 - tau) */
  | { kind: 'compSum'; tau: number }
  /** 1 - p */
  | { kind: 'meanAbsolute' }
  /** -alpha log p + beta 9.21 (1 - p) */
  | { kind: 'symmetric'; alpha?: number /* 0.1 */; beta?: number /* 1 */ }
  /** -log p + log(1 - p), continued by its tangent beyond p = end */
  | { kind: 'encouraging'; end?: number /* 0.75 */ }
  /** -log(1 - (1 - P)^n) per sequence, P the product of its rows' p; `segments` has a sequence id per row. */
  | { kind: 'passAtN'; n: number; segments: TensorLike }
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
  if (!isObject(value)) throw expected('ERR_CUTLOSS_OPTION', what, 'objective', value);

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
      table[name] = option<unknown>(
        (given) => reader(given, `objective.${name}`),
        required ? undefined : fallback,
      );
    }
    parse = defineOptions(`option of the objective ${info.name}`, table, 'kind');
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
