// `cutloss betti`: how far a prediction's components, loops and cavities are from the target's, as a table, as JSON or as
// a page to look at.

import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Field, FileError } from '../images/field.js';
import { fileError, readField } from '../images/read-field.js';
import { native } from '../native.js';
import {
  type Arguments,
  type Command,
  digits,
  type Flag,
  isBadArgument,
  number,
  path,
  toggle,
  UsageError,
  word,
} from './arguments.js';
import { type Comparison, compare, sum } from './compare.js';
import { findPairs, type Pair } from './pairs.js';
import { Progress } from './progress.js';
import { Report } from './report.js';
import { formatTable } from './table.js';

type Flags = {
  readonly threshold: Flag<number>;
  readonly filtration: Flag<'superlevel' | 'sublevel'>;
  readonly border: Flag<'open' | 'closed'>;
  readonly dimensions: Flag<readonly number[] | undefined>;
  readonly json: Flag<boolean>;
  readonly html: Flag<string | undefined>;
};
type Given = Arguments<Flags>['flags'];

export const betti: Command<Flags> = {
  name: 'betti',
  operands: ['prediction', 'target'],
  about:
    'Compares the topology of a prediction with that of its target: PNG or NPY files of one\n' +
    'shape, or two folders of files with equal names. Bright is foreground; a PNG counts from\n' +
    '0 (black) to 1 (white), an NPY as it is. Numbers are those of the masks at the threshold.',
  flags: {
    threshold: number(0.5, 'foreground is what is above it; default 0.5'),
    filtration: word(['superlevel', 'sublevel'], 'superlevel', 'sublevel: dark is foreground'),
    border: word(['open', 'closed'], 'open', 'closed: structures that touch the border close there'),
    dimensions: digits('0 components, 1 loops, 2 cavities, such as 0,1; default all'),
    json: toggle('print JSON instead of the table'),
    html: path('write a page with pictures, barcodes and persistence diagrams'),
  },
};

interface Row extends Pair, Comparison {}

export async function runBetti({ operands, flags }: Arguments<Flags>): Promise<number> {
  const [prediction, target] = operands as [string, string];
  const pairs = findPairs(prediction, target);
  native(); // a binary that is missing, or a variable that is wrong, is no fault of the first file
  const report = flags.html === undefined ? undefined : new Report(flags);
  if (flags.html !== undefined) expectPlaceForPage(flags.html, pairs);
  const progress = new Progress(process.stderr, pairs.length);
  const rows: Row[] = [];
  try {
    for (const pair of pairs) {
      progress.show(rows.length, pair.name);
      rows.push(await rowOf(pair, flags, report));
    }
  } finally {
    progress.end();
  }
  if (report !== undefined) write(flags.html as string, report.page());
  process.stdout.write(
    `${flags.json ? JSON.stringify(asJson(rows, flags), null, 2) : asText(rows, flags)}\n`,
  );
  return 0;
}

async function rowOf(pair: Pair, flags: Given, report: Report | undefined): Promise<Row> {
  const fields = { prediction: readField(pair.prediction), target: readField(pair.target) };
  expectOneShape(pair, fields);
  expectThresholdOfPng(pair, flags.threshold);
  const { filtration, border, dimensions } = flags;
  const options = { filtration, border, ...(dimensions && { dimensions }) };
  try {
    const comparison = await compare(fields.prediction, fields.target, flags.threshold, options);
    await report?.add(pair, fields, comparison, options);
    return { ...pair, ...comparison };
  } catch (error) {
    if (isBadArgument(error)) throw new UsageError(`${pair.prediction}, ${pair.target}: ${error.message}`);
    throw error;
  }
}

function expectOneShape({ prediction, target }: Pair, fields: { prediction: Field; target: Field }): void {
  const [a, b] = [fields.prediction, fields.target].map(({ shape }) => shape.join(' × '));
  if (a !== b)
    throw new FileError(`Expected one shape but received ${a} in ${prediction} and ${b} in ${target}`);
}

/** One that leaves a mask of nothing, or of everything, is meant for whole numbers from 0 to 255. */
function expectThresholdOfPng({ prediction, target }: Pair, threshold: number): void {
  const png = [prediction, target].find((file) => file.toLowerCase().endsWith('.png'));
  if (png !== undefined && !(threshold >= 0 && threshold < 1))
    throw new UsageError(
      `Expected a --threshold of at least 0 and below 1 but received ${threshold}: ${png} counts from 0 (black) to 1 (white)`,
    );
}

/** Before the work, not after it. */
function expectPlaceForPage(file: string, pairs: readonly Pair[]): void {
  const inputs = pairs.flatMap(({ prediction, target }) => [resolve(prediction), resolve(target)]);
  if (inputs.includes(resolve(file)))
    throw new UsageError(`Expected a file of its own for --html but received ${file}, which is compared`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`Expected a file for --html but received the folder ${file}`);
  const folder = dirname(file);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`${folder}: ${fileError(error).message}`);
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${file}: ${fileError(error).message}`);
  }
}

// ── what is printed ──

const header = ['', 'prediction', 'target', 'number error', 'matched', 'unmatched', 'matching error'];
const features = ['components', 'loops', 'cavities'];

/** A pair's numbers over some dimensions. */
function line(name: string, row: Comparison, dimensions: readonly number[]): string[] {
  const of = (counts: readonly number[]): number[] =>
    dimensions.map((dimension) => counts[dimension] as number);
  const [p, t] = [of(row.bettiNumbers.prediction), of(row.bettiNumbers.target)];
  const [extra, missing] = [sum(of(row.unmatched.prediction)), sum(of(row.unmatched.target))];
  const error = sum(p.map((count, i) => Math.abs(count - (t[i] as number))));
  return [
    name,
    p.join(' '),
    t.join(' '),
    `${error}`,
    `${sum(of(row.matched))}`,
    `${extra} + ${missing}`,
    `${extra + missing}`,
  ];
}

function asText(rows: readonly Row[], flags: Given): string {
  const [first] = rows as [Row, ...Row[]];
  const lines =
    rows.length > 1
      ? rows.map((row) => line(row.name, row, row.dimensions))
      : [
          ...first.dimensions.map((dimension) => line(features[dimension] as string, first, [dimension])),
          line('all', first, first.dimensions),
        ];
  const { filtration, border, threshold } = flags;
  const title = `Betti numbers of prediction and target (${filtration}, ${border} border, threshold ${threshold}), bars matched and unmatched (prediction + target)`;
  return `${title}\n\n${formatTable(header, lines)}\n\n${summary(rows)}`;
}

function summary(rows: readonly Row[]): string {
  const { bettiNumberError, bettiMatchingError } = meanOf(rows);
  const short = (value: number): string => `${Number(value.toFixed(3))}`;
  const errors = `Betti number error ${short(bettiNumberError)}, Betti matching error ${short(bettiMatchingError)}`;
  if (rows.length === 1) return errors;
  const perfect = rows.filter((row) => row.bettiMatchingError === 0).length;
  return `${rows.length} pairs, on average: ${errors}; ${perfect} of ${rows.length} with matching error 0`;
}

function meanOf(rows: readonly Row[]): { bettiNumberError: number; bettiMatchingError: number } {
  const mean = (values: readonly number[]): number => sum(values) / values.length;
  return {
    bettiNumberError: mean(rows.map((row) => row.bettiNumberError)),
    bettiMatchingError: mean(rows.map((row) => row.bettiMatchingError)),
  };
}

function asJson(rows: readonly Row[], { filtration, border, threshold }: Given): object {
  return { options: { filtration, border, threshold }, pairs: rows, mean: meanOf(rows) };
}
