// Objectives that need every row before they can judge one: a JavaScript function, and pass@N over sequences. Both turn
// log p per row into the loss per row and its weight w = -dloss/dlogp, between a pass that measures and one that acts.

import { types } from 'node:util';
import type { Stored } from '../dtype.js';
import { CutlossError } from '../errors.js';
import { copyInto, lengthOf, typedArrayKind } from '../memory.js';
import { defineOptions, option, raw } from '../options.js';
import { expected, integerFrom, isObject } from '../validate.js';
import { readView, snapshot } from '../view.js';
import { expectDType, expectShape } from './loss.js';

/** Any reweighting: given log p per row (0 for ignored rows), the loss per row and w = -dloss/dlogp. */
export type ObjectiveFunction = (logProbs: Float32Array) => { loss: Float32Array; weights: Float32Array };

/** From log p per row, and the argmax per row, which is -1 where the row does not count. */
export type BatchObjective = (
  logProbs: Float32Array,
  argmax: Int32Array,
) => { loss: Float32Array; weights: Float32Array };

/** Calls the caller's function; what it returns is copied, since it may keep the arrays. */
export function fromFunction(call: ObjectiveFunction, rows: number): BatchObjective {
  return (logProbs) => {
    const answer: unknown = call(logProbs);
    if (!isObject(answer) || types.isPromise(answer)) {
      throw expected(
        'ERR_CUTLOSS_OPTION',
        '{ loss, weights }',
        'the result of the objective function',
        answer,
        types.isPromise(answer) ? 'it must answer at once, not be async' : undefined,
      );
    }
    const { loss, weights } = answer;
    return { loss: copyRows(loss, rows, 'loss'), weights: copyRows(weights, rows, 'weights') };
  };
}

function copyRows(value: unknown, rows: number, field: string): Float32Array {
  const name = `${field}, from the objective function,`;
  if (typedArrayKind(value) !== 'Float32Array')
    throw expected('ERR_CUTLOSS_DTYPE', 'a Float32Array', name, value);
  const array = value as Float32Array;
  if (lengthOf(array) !== rows) {
    const message = `Expected ${rows} elements, one per row, for ${name} but received ${lengthOf(array)}`;
    throw new CutlossError('ERR_CUTLOSS_SHAPE', message);
  }
  const copy = new Float32Array(rows);
  if (rows > 0) copyInto(copy, array);
  return copy;
}

const parsePassAtN = defineOptions(
  'option of the objective passAtN',
  { n: option(integerFrom(1, 2 ** 31), 0), segments: raw },
  { within: 'objective', unread: ['kind'] },
);

/**
 * pass@N (the chance that at least one of N samples of a sequence is right): with P = exp sum log p over the rows of a
 * segment, L = -log(1 - (1 - P)^N). L is spread evenly over the segment's rows that count, so that rows add up to it.
 */
export function passAtN(options: unknown, leading: readonly number[]): BatchObjective {
  const { n, segments } = parsePassAtN(options);
  if (n === 0) throw expected('ERR_CUTLOSS_OPTION', 'an integer of at least 1', 'objective.n', undefined);
  const view = readView(segments, 'objective.segments');
  expectDType(view, 'int32', 'int64', 'uint8');
  expectShape(view, leading, ', one id per row,');

  const ids = snapshot(view).memory as Stored; // as they are now: the objective is asked after the first pass

  return (logProbs, argmax) => {
    const rows = logProbs.length;
    const segmentOf = new Int32Array(rows);
    const numbers = new Map<number | bigint, number>();
    const logP: number[] = [];
    const counts: number[] = [];
    for (let row = 0; row < rows; row++) {
      const id = ids[row] as number | bigint;
      let segment = numbers.get(id);
      if (segment === undefined) {
        segment = logP.length;
        numbers.set(id, segment);
        logP.push(0);
        counts.push(0);
      }
      segmentOf[row] = segment;
      if ((argmax[row] as number) < 0) continue;
      logP[segment] = (logP[segment] as number) + (logProbs[row] as number);
      counts[segment] = (counts[segment] as number) + 1;
    }

    const terms = logP.map((value) => passAtNTerms(value, n));
    const loss = new Float32Array(rows);
    const weights = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      if ((argmax[row] as number) < 0) continue;
      const segment = segmentOf[row] as number;
      const term = terms[segment] as { loss: number; weight: number };
      loss[row] = term.loss / (counts[segment] as number);
      weights[row] = term.weight;
    }
    return { loss, weights };
  };
}

/**
 * L = -log(1 - (1 - P)^N) and w = -dL/dlogP = N (1 - P)^(N - 1) P / (1 - (1 - P)^N), from log P and in logarithms
 * throughout: exact as P -> 0, where L -> -log N - log P and w -> 1, and as P -> 1, where both vanish (but for N = 1).
 */
export function passAtNTerms(logP: number, n: number): { loss: number; weight: number } {
  if (logP < -690) return { loss: -Math.log(n) - logP, weight: 1 }; // P < 1e-299: N P is exact, P soon is not
  const logMiss = log1mExp(logP); // log(1 - P)
  const loss = -log1mExp(n * logMiss);
  const others = n === 1 ? 0 : (n - 1) * logMiss; // not 0 × -∞
  return { loss, weight: Math.exp(Math.log(n) + others + logP + loss) };
}

/** log(1 - exp(x)) for x <= 0 (Mächler 2012). */
function log1mExp(x: number): number {
  return x > -Math.LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
}
