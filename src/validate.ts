// One message shape for every bad argument: "Expected X for Y but received Z". What was received is described without
// running any of the caller's code: no getters, no toString, no Proxy traps that matter.

import { types } from 'node:util';
import { CutlossError, type ErrorCode } from './errors.js';
import { typedArrayKind } from './memory.js';

/** Turns what the caller gave into what we work with, or throws. `name` is what the caller calls it. */
export type Reader<T> = (value: unknown, name: string) => T;

/** A value in a few words. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? `${value}n` : 'a huge bigint';
    case 'number':
      return Object.is(value, -0) ? '-0' : `${value}`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object': {
      if (value === null) return 'null';
      const kind = typedArrayKind(value);
      if (kind !== undefined) return withArticle(kind);
      if (types.isPromise(value)) return 'a Promise';
      return isArray(value) ? 'an array' : 'an object';
    }
    default:
      return `${value}`;
  }
}

/** 'a Float32Array', 'an Int32Array', 'a Uint8Array' */
export function withArticle(noun: string): string {
  return `${/^([aeio]|u(?!int))/i.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** "Expected a number from 0 to 1 for labelSmoothing but received 2", and after a colon what to do about it. */
export function expected(
  code: ErrorCode,
  what: string,
  name: string,
  value: unknown,
  advice: string | undefined = undefined,
): CutlossError {
  const message = `Expected ${what} for ${name} but received ${describe(value)}`;
  return new CutlossError(code, advice === undefined ? message : `${message}: ${advice}`, { name });
}

export function bracketed(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Array.isArray, except that it answers for a revoked Proxy as well. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The elements of an array, the length and each element read once; anything longer than `most` is refused unread. */
export function readArray(
  value: unknown,
  name: string,
  what: string,
  most: number,
  code: ErrorCode = 'ERR_CUTLOSS_OPTION',
): unknown[] {
  if (!isArray(value)) throw expected(code, what, name, value);
  const count: unknown = value.length; // of a Proxy, anything
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0)
    throw expected(code, what, `${name}.length`, count);
  if (count > most) {
    throw new CutlossError(code, `Expected ${what} for ${name} but received an array of ${count}`, { name });
  }
  const items: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) items[i] = value[i];
  return items;
}

// Engines compute in float32: a number beyond its range, or a divisor below its normal numbers, would turn into
// infinity or zero on the way down.
const largest = 3.4028234663852886e38;
const smallest = 1.1754943508222875e-38;

export const finite: Reader<number> = (value, name) => {
  if (typeof value === 'number' && Math.abs(value) <= largest) return value + 0; // -0 becomes 0
  throw expected('ERR_CUTLOSS_OPTION', 'a finite number', name, value);
};

export const positive: Reader<number> = (value, name) => {
  if (typeof value === 'number' && value >= smallest && value <= largest) return value;
  throw expected('ERR_CUTLOSS_OPTION', 'a positive finite number', name, value);
};

export function numberFrom(low: number, high: number): Reader<number> {
  return (value, name) => {
    if (typeof value === 'number' && value >= low && value <= high) return value + 0;
    throw expected('ERR_CUTLOSS_OPTION', `a number from ${low} to ${high}`, name, value);
  };
}

export function integerFrom(low: number, high: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, name) => {
    if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) {
      return (value as number) + 0;
    }
    const range =
      high !== Number.MAX_SAFE_INTEGER
        ? ` from ${low} to ${high}`
        : low !== Number.MIN_SAFE_INTEGER
          ? ` of at least ${low}`
          : '';
    throw expected('ERR_CUTLOSS_OPTION', `an integer${range}`, name, value);
  };
}

export const boolean: Reader<boolean> = (value, name) => {
  if (typeof value === 'boolean') return value;
  throw expected('ERR_CUTLOSS_OPTION', 'true or false', name, value);
};

export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, name) => {
    if (typeof value === 'string' && (words as readonly string[]).includes(value)) return value as T;
    throw expected('ERR_CUTLOSS_OPTION', choice(words), name, value);
  };
}

/** A list of distinct words. */
export function listOf<const T extends string>(...words: readonly T[]): Reader<readonly T[]> {
  const read = oneOf(...words);
  const what = `an array of ${choice(words)}`;
  return (value, name) => {
    const items = readArray(value, name, what, 64);
    return [...new Set(items.map((item, i) => read(item, `${name}[${i}]`)))];
  };
}

/** 'a', 'b' or 'c' */
export function choice(words: readonly string[]): string {
  return either(words.map((word) => `'${word}'`));
}

/** 'a', 'b' and 'c' */
export function listed(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  const last = quoted.pop() ?? 'none';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}

/** a, b or c */
export function either(words: readonly string[]): string {
  const last = words.at(-1) ?? 'nothing';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
