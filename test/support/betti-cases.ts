// Expected pairs of another implementation (unmodified Betti-Matching-3D), where the environment variable CUTLOSS_CASES
// names the folder that holds them. They are not part of the repository.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface KnownBar {
  readonly birth: number;
  readonly death: number;
  readonly birth_at: readonly number[];
  readonly death_at: readonly number[];
}

export interface KnownMatching {
  readonly matched: readonly { readonly pred: KnownBar; readonly target: KnownBar }[];
  readonly unmatched_pred: readonly KnownBar[];
  readonly unmatched_target: readonly KnownBar[];
}

export interface BettiCase {
  readonly id: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly prediction: readonly number[];
  readonly target: readonly number[];
  readonly metric: {
    readonly threshold: number;
    readonly betti_matching_error: { readonly total: number };
    readonly betti_pred: readonly number[];
    readonly betti_target: readonly number[];
    readonly betti_number_error: { readonly total: number };
  };
  readonly variants: Readonly<
    Record<
      string,
      {
        readonly loss: { readonly total: number };
        readonly gradPrediction: readonly number[];
        readonly gradShape: readonly number[];
        readonly dims: readonly KnownMatching[];
      }
    >
  >;
}

/** The variants by name, as options. */
export const variants = {
  sublevel: { filtration: 'sublevel', border: 'open' },
  superlevel: { filtration: 'superlevel', border: 'open' },
  superlevel_relative: { filtration: 'superlevel', border: 'closed' },
} as const;

export function bettiCases(): readonly BettiCase[] {
  const file = join(process.env.CUTLOSS_CASES ?? '', 'betti.json.gz');
  if (!process.env.CUTLOSS_CASES || !existsSync(file)) return [];
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')).cases;
}

/** A voxel's number inside the field from its position, which counts the padding; -1 in the padding. */
function numberOf(at: readonly number[], shape: readonly number[], padded: boolean): number {
  const inside = at.map((x) => x - Number(padded));
  if (inside.some((x, axis) => x < 0 || x >= (shape[axis] as number))) return -1;
  return inside.reduce((number, x, axis) => number * (shape[axis] as number) + x, 0);
}

/** A gradient on the padded grid, without the padding. */
export function cropped(
  { gradPrediction, gradShape }: BettiCase['variants'][string],
  shape: readonly number[],
): number[] {
  const padded = gradShape[0] !== shape[0];
  const crop: number[] = [];
  gradPrediction.forEach((value, i) => {
    const at = gradShape.map((extent, axis) => {
      const stride = gradShape.slice(axis + 1).reduce((a, b) => a * b, 1);
      return Math.floor(i / stride) % extent;
    });
    const number = numberOf(at, shape, padded);
    if (number >= 0) crop[number] = value;
  });
  return crop;
}

/** Bars as lines of text in one order, with every value and position in them, so that two lists can be compared. */
export interface Lines {
  readonly matched: readonly string[];
  readonly unmatchedPrediction: readonly string[];
  readonly unmatchedTarget: readonly string[];
}

interface PlainBar {
  readonly birth: number;
  readonly death: number;
  readonly birthIndex: number;
  readonly deathIndex: number;
}

/** Values are rounded to float32, as the engine reads them. */
export function lineOf({ birth, death, birthIndex, deathIndex }: PlainBar): string {
  return `${Math.fround(birth)}@${birthIndex} to ${Math.fround(death)}@${deathIndex}`;
}

export function knownLines(known: KnownMatching, shape: readonly number[], padded: boolean): Lines {
  const line = (bar: KnownBar): string =>
    lineOf({
      birth: bar.birth,
      death: bar.death,
      birthIndex: numberOf(bar.birth_at, shape, padded),
      deathIndex: numberOf(bar.death_at, shape, padded),
    });
  return {
    matched: known.matched.map(({ pred, target }) => `${line(pred)} | ${line(target)}`).sort(),
    unmatchedPrediction: known.unmatched_pred.map(line).sort(),
    unmatchedTarget: known.unmatched_target.map(line).sort(),
  };
}

export function linesOf(found: {
  readonly matched: readonly { readonly prediction: PlainBar; readonly target: PlainBar }[];
  readonly unmatchedPrediction: readonly PlainBar[];
  readonly unmatchedTarget: readonly PlainBar[];
}): Lines {
  return {
    matched: found.matched
      .map(({ prediction, target }) => `${lineOf(prediction)} | ${lineOf(target)}`)
      .sort(),
    unmatchedPrediction: found.unmatchedPrediction.map(lineOf).sort(),
    unmatchedTarget: found.unmatchedTarget.map(lineOf).sort(),
  };
}
