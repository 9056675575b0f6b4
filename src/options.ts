// Options as a table: a line per option says its name, how it is read and what it is by default. From the table come
// the parsed object, the defaults and the error for a misspelled option, which names the nearest one.

import { CutlossError } from './errors.js';
import { typedArrayKind } from './memory.js';
import { isTensor } from './tensor.js';
import { describe, expected, isArray, isObject, listed, type Reader, withArticle } from './validate.js';

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

/** What errors say beside the table. */
export interface Surroundings {
  /** What the whole object is called; by default 'the options of crossEntropy'. */
  readonly title?: string;
  /** What it looks like: '{ logits, targets }'. */
  readonly form?: string;
  /** What to do where a tensor or an array was given in its place. */
  readonly forTensor?: string;
  /** The option that the object is, which errors put before the names of the table: 'smooth' for 'smooth.numerator'. */
  readonly within?: string;
  /** Names that are known and left unread. */
  readonly unread?: readonly string[];
  /** Names that belong elsewhere, and a sentence that says where. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/**
 * A parser for the table. `each` says what a line is, as errors call it: 'option of crossEntropy'. Every property of the
 * table is read exactly once, undefined means default, and whatever else is enumerable in the object is unknown.
 */
export function defineOptions<Table extends OptionTable>(
  each: `${'option' | 'input'} of ${string}`,
  table: Table,
  surroundings: Surroundings = {},
): (options: unknown) => Parsed<Table> {
  const {
    title = `the ${each.replace(' ', 's ')}`,
    form = 'an object',
    forTensor,
    within,
    unread = [],
  } = surroundings;
  const names = Object.keys(table);
  const called = within === undefined ? names : names.map((name) => `${within}.${name}`);
  const known = new Set([...names, ...unread]);
  const readers = names.map((name) => (table[name] as Option<unknown>).read);
  const defaults = Object.fromEntries(names.map((name) => [name, (table[name] as Option<unknown>).fallback]));

  return (options) => {
    const parsed = { ...defaults };
    if (options === undefined) return parsed as Parsed<Table>;
    const kind = isTensor(options) ? 'Tensor' : typedArrayKind(options);
    if (kind !== undefined) throw insteadOfObject(form, title, withArticle(kind), forTensor);
    if (isArray(options)) throw insteadOfObject(form, title, 'an array', forTensor);
    if (!isObject(options)) throw expected('ERR_CUTLOSS_OPTION', form, title, options);
    // inherited names are options too, unless every object has them
    for (const name in options)
      if (!known.has(name) && !Object.hasOwn(Object.prototype, name)) {
        throw unknownName(each, name, [...known], surroundings.elsewhere ?? {});
      }
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const value = options[name];
      if (value === undefined) continue;
      if (Object.hasOwn(Object.prototype, name) && !Object.hasOwn(options, name)) continue;
      parsed[name] = (readers[i] as Reader<unknown>)(value, called[i] as string);
    }
    return parsed as Parsed<Table>;
  };
}

const optionsOf = new Map<string, (options: unknown) => unknown>();

/** Refuses the options that the loss of that name would refuse when it is called. */
export function checkOptions(name: string, options: unknown): void {
  optionsOf.get(name)?.(options);
}

/** The two parsers of a loss, each of which knows what the other takes. `required` names the inputs that there must be. */
export function defineCall<Inputs extends OptionTable, Options extends OptionTable>(
  name: string,
  inputs: Inputs,
  required: readonly string[],
  options: Options,
): { parseInputs(value: unknown): Parsed<Inputs>; parseOptions(value: unknown): Parsed<Options> } {
  const form = `{ ${required.join(', ')} }`;
  const oneObject = `inputs are passed in one object, ${name}(${form}, options)`;
  const say = (names: readonly string[], where: string): Record<string, string> =>
    Object.fromEntries(names.map((each) => [each, `${each} ${where}`]));
  const ofTfjs = "tensors of tfjs go to the losses of bind(tf), from 'cutloss/tfjs'";
  const parts = { data: oneObject, shape: oneObject, kept: ofTfjs, dataId: ofTfjs };
  const isOption = say(Object.keys(options), 'is an option: pass it in the second argument');
  const isInput = say(Object.keys(inputs), `is an input: pass it with ${required.join(' and ')}`);
  const parseInputs = defineOptions(`input of ${name}`, inputs, {
    form,
    forTensor: oneObject,
    elsewhere: { ...isOption, ...parts },
  });
  const parseOptions = defineOptions(`option of ${name}`, options, {
    forTensor: oneObject,
    elsewhere: { ...isInput, ...parts },
  });
  optionsOf.set(name, parseOptions);
  return { parseInputs, parseOptions };
}

function insteadOfObject(
  form: string,
  title: string,
  received: string,
  advice: string | undefined,
): CutlossError {
  const message = `Expected ${form} for ${title} but received ${received}`;
  return new CutlossError('ERR_CUTLOSS_OPTION', advice === undefined ? message : `${message}: ${advice}`);
}

function unknownName(
  each: string,
  name: string,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>>,
): CutlossError {
  const far = Object.keys(elsewhere).filter((other) => nearestName(name, [other], 0.25) !== undefined);
  const nearest = nearestName(name, [...known, ...far]);
  const hints = [];
  if (nearest !== undefined && nearest !== name) hints.push(`did you mean '${nearest}'?`);
  if (nearest !== undefined && !known.includes(nearest)) hints.push(elsewhere[nearest]);
  if (nearest === undefined) hints.push(`known are ${listed(known)}`);
  return new CutlossError(
    'ERR_CUTLOSS_OPTION',
    `Expected ${withArticle(each)} but received ${describe(name)}: ${hints.join(' ')}`,
    nearest === undefined ? { name, known } : { name, nearest, known },
  );
}

/**
 * The name with the fewest edits from `word`, if they are few: no more than that share of letters, where case and
 * underscores do not count. Of equals the first.
 */
export function nearestName(word: string, names: readonly string[], share = 0.4): string | undefined {
  if (names.includes(word)) return word;
  const plain = (text: string): string => text.slice(0, 64).toLowerCase().replace(/[_-]/g, '');
  const from = plain(word);
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const to = plain(name);
    const edits = editDistance(from, to);
    const few = Math.max(1, Math.floor(share * Math.min(from.length, to.length)));
    if (edits < fewest && edits <= few && edits < to.length) [nearest, fewest] = [name, edits];
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
