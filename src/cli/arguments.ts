// What stands behind a command's name: operands, and flags by a table from which both the parser and the help text come.

import { CutlossError } from '../errors.js';
import { nearestName } from '../options.js';
import { choice, describe, withArticle } from '../validate.js';

/** A command line that cannot be understood, or input that cannot be used: one sentence, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What is wrong with the arguments of a call is wrong with the command line, the files or the environment. */
export function isBadArgument(error: unknown): error is CutlossError {
  return error instanceof CutlossError && /_(OPTION|SHAPE|DTYPE|TARGET|DEVICE)$/.test(error.code);
}

export interface Flag<T> {
  /** What follows the flag, as the help text calls it; undefined for a switch. */
  readonly value?: string;
  readonly about: string;
  readonly fallback: T;
  /** Of a switch, `text` is empty. */
  readonly read: (text: string, name: string) => T;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

export interface Command<Flags extends FlagTable = FlagTable> {
  readonly name: string;
  readonly operands: readonly string[];
  readonly about: string;
  readonly flags: Flags;
}

export interface Arguments<Flags extends FlagTable> {
  readonly operands: readonly string[];
  readonly flags: { readonly [Name in keyof Flags]: Flags[Name] extends Flag<infer T> ? T : never };
}

export function toggle(about: string): Flag<boolean> {
  return { about, fallback: false, read: () => true };
}

export function word<const T extends string>(words: readonly T[], fallback: T, about: string): Flag<T> {
  const read = (text: string, name: string): T => {
    if ((words as readonly string[]).includes(text)) return text as T;
    throw new UsageError(`Expected ${choice(words)} for ${name} but received ${describe(text)}`);
  };
  return { value: words.join('|'), about, fallback, read };
}

export function number(fallback: number, about: string): Flag<number> {
  const read = (text: string, name: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value)) return value;
    throw new UsageError(`Expected a number for ${name} but received ${describe(text)}`);
  };
  return { value: '<number>', about, fallback, read };
}

/** 0,1,2: digits between commas. */
export function digits(about: string): Flag<readonly number[] | undefined> {
  const read = (text: string, name: string): readonly number[] => {
    if (/^\d(,\d)*$/.test(text)) return [...new Set(text.split(',').map(Number))];
    throw new UsageError(`Expected numbers such as 0,1 for ${name} but received ${describe(text)}`);
  };
  return { value: '<list>', about, fallback: undefined, read };
}

export function path(about: string): Flag<string | undefined> {
  return { value: '<file>', about, fallback: undefined, read: (text) => text };
}

/** Flags may stand anywhere and take their value after a space or '='; after '--' everything is an operand. */
export function parse<Flags extends FlagTable>(
  command: Command<Flags>,
  words: readonly string[],
): Arguments<Flags> {
  const flags: Record<string, unknown> = {};
  for (const [name, { fallback }] of Object.entries(command.flags)) flags[name] = fallback;
  const operands: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const text = words[at] as string;
    if (text === '--') {
      operands.push(...words.slice(at + 1));
      break;
    }
    if (!text.startsWith('-') || text === '-') {
      operands.push(text);
      continue;
    }
    const [name, attached] = split(text);
    const flag = Object.hasOwn(command.flags, name) ? command.flags[name] : undefined;
    if (flag === undefined || !text.startsWith('--')) throw unknownFlag(command, text);
    if (flag.value === undefined && attached !== undefined)
      throw new UsageError(`Expected no value for --${name} but received ${describe(attached)}`);
    const value = flag.value === undefined ? '' : (attached ?? words[++at]);
    if (value === undefined || (value === '' && flag.value !== undefined))
      throw new UsageError(`Expected ${flag.value} after --${name} but received nothing`);
    if (attached === undefined && value.startsWith('--'))
      throw new UsageError(`Expected ${flag.value} after --${name} but received the option ${value}`);
    flags[name] = flag.read(value, `--${name}`);
  }
  if (operands.length !== command.operands.length) {
    const form = command.operands.length === 0 ? 'no file' : command.operands.join(' and ');
    throw new UsageError(
      `Expected ${form} after 'cutloss ${command.name}' but received ${counted(operands)}`,
    );
  }
  return { operands, flags: flags as Arguments<Flags>['flags'] };
}

function split(text: string): [name: string, attached: string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text.slice(2), undefined] : [text.slice(2, equals), text.slice(equals + 1)];
}

function counted(operands: readonly string[]): string {
  return operands.length === 0 ? 'none' : operands.map((operand) => describe(operand)).join(', ');
}

function unknownFlag(command: Command, text: string): UsageError {
  const known = Object.keys(command.flags);
  const nearest = nearestName(text.replace(/^-+|=.*$/g, ''), known);
  const hint =
    nearest === undefined ? `'cutloss ${command.name} --help' lists them` : `did you mean '--${nearest}'?`;
  return new UsageError(
    `Expected ${withArticle('option')} of 'cutloss ${command.name}' but received ${describe(text)}: ${hint}`,
  );
}

export function helpOf({ name, operands, about, flags }: Command): string {
  const usage = ['cutloss', name, ...operands.map((operand) => `<${operand}>`), '[options]'].join(' ');
  const lines = Object.entries(flags).map(([flag, { value, about }]) => [
    `  --${flag}${value === undefined ? '' : ` ${value}`}`,
    about,
  ]) as [string, string][];
  const width = Math.max(...lines.map(([left]) => left.length));
  return `${usage}\n\n${about}\n\n${lines.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n')}\n`;
}
