// Options as a table: a line per option says its name, how it is read and what it is by default. From the table come
// the parsed object, the defaults and the error for a misspelled option, which names the nearest one.

import { CutlossError } from './errors.js';
import { expected, isObject, type Reader } from './validate.js';

/** One line of a table. */
export interface Option<T> {
  readonly read: Reader<T>;
  readonly fallback: T;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** What a table makes of the caller's object. */
export type Parsed<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

export function option<T>(read: Reader<T>, fallback: T): Option<T> {
  return { read, fallback };
}

/** An option that is undefined unless given. */
export function optional<T>(read: Reader<T>): Option<T | undefined> {
  return { read, fallback: undefined };
}

/** Keeps what the caller gave for a later reader that knows more. */
export const raw: Option<unknown> = option((value) => value, undefined);

/**
 * A parser for the table. `each` says what a line is, as errors call it: 'option of crossEntropy'. Every property of the table is read
 * exactly once, undefined means default, and whatever else is enumerable in the object is an unknown option; but the
 * `others` are known and left unread.
 */
export function defineOptions<Table extends OptionTable>(
  each: `${'option' | 'input'} of ${string}`,
  table: Table,
  ...others: readonly string[]
): (options: unknown) => Parsed<Table> {
  const names = Object.keys(table);
  const known = new Set([...names, ...others]);
  const readers = names.map((name) => (table[name] as Option<unknown>).read);
  const defaults = Object.fromEntries(names.map((name) => [name, (table[name] as Option<unknown>).fallback]));

  return (options) => {
    const parsed = { ...defaults };
    if (options === undefined) return parsed as Parsed<Table>;
    if (!isObject(options))
      throw expected('ERR_CUTLOSS_OPTION', 'an object', `the ${each.replace(' ', 's ')}`, options);
    for (const name in options) if (!known.has(name)) throw unknownOption(each, name, [...known]);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const value = options[name];
      if (value !== undefined) parsed[name] = (readers[i] as Reader<unknown>)(value, name);
    }
    return parsed as Parsed<Table>;
  };
}

function unknownOption(each: string, name: string, names: readonly string[]): CutlossError {
  const nearest = nearestName(name, names);
  return new CutlossError(
    'ERR_CUTLOSS_OPTION',
    `Expected an ${each} but received '${name}': did you mean '${nearest}'?`,
    { name, nearest, known: names },
  );
}

/** The name with the fewest edits from `word`, letter case counting least. */
export function nearestName(word: string, names: readonly string[]): string {
  let nearest = '';
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const edits = editDistance(word.slice(0, 64).toLowerCase(), name.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [name, edits];
  }
  return nearest;
}

/** Insertions, deletions and replacements that turn one word into the other (Levenshtein 1966). */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (previous[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current[j] = Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1);
    }
    previous = current;
  }
  return previous[to.length] as number;
}
