// The page of `cutloss betti --html`: one file that needs nothing else. Each pair stands in it as JSON of its own, which
// the page's script (src/cli/page) unpacks when somebody looks at it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Field } from '../images/field.js';
import { type BettiMatch, bettiMatching } from '../losses/betti-matching.js';
import type { Bars, TopologyOptions } from '../losses/topology-options.js';
import { batched, type Comparison } from './compare.js';
import type { Pair } from './pairs.js';
import { type Regions, regionsOf } from './regions.js';
import type {
  ReportBars,
  ReportDimension,
  ReportIndex,
  ReportLine,
  ReportOptions,
  ReportPair,
} from './report-data.js';

/** More bars than this of one field and dimension show nothing; the shortest are left out. */
const mostBars = 500;

export class Report {
  readonly #options: ReportOptions;
  readonly #lines: ReportLine[] = [];
  readonly #pairs: string[] = [];

  constructor({ filtration, border, threshold }: ReportOptions) {
    this.#options = { filtration, border, threshold };
  }

  async add(
    { name, prediction, target }: Pair,
    fields: { readonly prediction: Field; readonly target: Field },
    { bettiNumbers, bettiNumberError, bettiMatchingError }: Comparison,
    options: TopologyOptions,
  ): Promise<void> {
    const inputs = { prediction: batched(fields.prediction), target: batched(fields.target) };
    const { pairs } = await bettiMatching(inputs, { ...options, outputs: ['pairs'] });
    const dimensions = options.dimensions ?? fields.target.shape.map((_, dimension) => dimension);
    const range = rangeOf(fields.prediction.data, fields.target.data);
    const pair: ReportPair = {
      shape: fields.target.shape,
      range,
      prediction: pack(greys(fields.prediction.data, range)),
      target: pack(greys(fields.target.data, range)),
      dimensions: dimensions.map((dimension) =>
        dimensionOf(dimension, (pairs as BettiMatch[][])[0]?.[dimension] as BettiMatch, (side, bars) =>
          regionsOf(fields[side], bars, dimension, this.#options.filtration),
        ),
      ),
    };
    this.#lines.push({ name, prediction, target, bettiNumbers, bettiNumberError, bettiMatchingError });
    this.#pairs.push(json(`pair-${this.#pairs.length}`, pair));
  }

  page(): string {
    const index: ReportIndex = { options: this.#options, pairs: this.#lines };
    const data = [json('index', index), ...this.#pairs].join('\n');
    const template = readFileSync(join(__dirname, 'page.html'), 'utf8');
    return template.replace('<!-- data -->', () => data);
  }
}

function json(id: string, value: object): string {
  const text = JSON.stringify(value).replace(/</g, '\\u003c');
  return `<script type="application/json" id="${id}">${text}</script>`;
}

function pack(array: Uint8Array | Float32Array | Int32Array): string {
  return deflateSync(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).toString('base64');
}

// ── pictures ──

/** Of the finite values of both fields. */
function rangeOf(...fields: readonly Float32Array[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const field of fields) {
    for (const value of field) {
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

function greys(field: Float32Array, [low, high]: readonly [number, number]): Uint8Array {
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8ClampedArray.from(field, (value) => (value - low) * scale) as unknown as Uint8Array;
}

// ── bars ──

type Find = (side: 'prediction' | 'target', bars: Bars) => Regions | undefined;

function dimensionOf(dimension: number, match: BettiMatch, find: Find): ReportDimension {
  const { matched, unmatchedPrediction, unmatchedTarget } = match;
  const longest = (length: (bar: number) => number, count: number): number[] =>
    Array.from({ length: count }, (_, bar) => bar)
      .sort((a, b) => length(b) - length(a))
      .slice(0, mostBars);
  const lengthIn =
    (bars: Bars) =>
    (bar: number): number =>
      Math.abs((bars.birth[bar] as number) - (bars.death[bar] as number));
  const [p, t] = [lengthIn(matched.prediction), lengthIn(matched.target)];
  const both = longest((bar) => Math.max(p(bar), t(bar)), matched.target.birth.length);
  const extra = longest(lengthIn(unmatchedPrediction), unmatchedPrediction.birth.length);
  const missing = longest(lengthIn(unmatchedTarget), unmatchedTarget.birth.length);
  const all = [matched.target, unmatchedPrediction, unmatchedTarget].map(({ birth }) => birth.length);
  const ours = chosenBars(matched.prediction, both, unmatchedPrediction, extra);
  const theirs = chosenBars(matched.target, both, unmatchedTarget, missing);
  return {
    dimension,
    prediction: packBars(ours, find('prediction', ours)),
    target: packBars(theirs, find('target', theirs)),
    matched: both.length,
    omitted: all.reduce((a, b) => a + b, 0) - both.length - extra.length - missing.length,
  };
}

/** Chosen matched bars, then chosen unmatched ones. */
function chosenBars(matched: Bars, both: readonly number[], unmatched: Bars, alone: readonly number[]): Bars {
  const chosen = (name: keyof Bars): number[] => [
    ...both.map((bar) => matched[name][bar] as number),
    ...alone.map((bar) => unmatched[name][bar] as number),
  ];
  return {
    birth: Float32Array.from(chosen('birth')),
    death: Float32Array.from(chosen('death')),
    birthIndex: Int32Array.from(chosen('birthIndex')),
    deathIndex: Int32Array.from(chosen('deathIndex')),
  };
}

function packBars({ birth, death, birthIndex, deathIndex }: Bars, regions: Regions | undefined): ReportBars {
  return {
    birth: pack(birth),
    death: pack(death),
    birthIndex: pack(birthIndex),
    deathIndex: pack(deathIndex),
    ...(regions && { labels: pack(regions.labels), parents: pack(regions.parents) }),
  };
}
