// Which files are compared: two files, or those of two folders that have equal names but for the ending.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fieldEndings, fileError } from '../images/read-field.js';
import { describe } from '../validate.js';
import { UsageError } from './arguments.js';

export interface Pair {
  readonly name: string;
  readonly prediction: string;
  readonly target: string;
}

export function findPairs(prediction: string, target: string): Pair[] {
  const folders = [prediction, target].map(isFolder);
  if (folders[0] !== folders[1])
    throw new UsageError(
      `Expected two files or two folders but received a ${folders[0] ? 'folder' : 'file'} and a ${folders[1] ? 'folder' : 'file'}`,
    );
  if (!folders[0]) return [{ name: prediction, prediction, target }];
  const [predictions, targets] = [filesOf(prediction), filesOf(target)];
  expectAll(predictions, targets, target);
  expectAll(targets, predictions, prediction);
  if (predictions.size === 0)
    throw new UsageError(`Expected PNG or NPY files in ${prediction} but received none`);
  return [...predictions].map(([name, file]) => ({
    name,
    prediction: file,
    target: targets.get(name) as string,
  }));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new UsageError(`${path}: ${fileError(error).message}`);
  }
}

/** Paths by name without ending, in the order of names. */
function filesOf(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of readdirSync(folder).sort()) {
    if (!fieldEndings.test(file)) continue;
    const name = file.replace(fieldEndings, '');
    if (files.has(name))
      throw new UsageError(`Expected one file named ${describe(name)} in ${folder} but received two`);
    files.set(name, join(folder, file));
  }
  return files;
}

/** A name without a counterpart would quietly make an average one of other things. */
function expectAll(
  names: ReadonlyMap<string, string>,
  among: ReadonlyMap<string, string>,
  folder: string,
): void {
  for (const [name, file] of names)
    if (!among.has(name))
      throw new UsageError(`Expected a counterpart of ${file} in ${folder} but received none`);
}
