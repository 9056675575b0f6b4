// What a conformance case is: data. Shape, how the inputs are made, options, seed; the suite runs each in every mode on
// every backend and dtype. Adding a case is adding a line to a table such as cross-entropy.cases.ts.

import { decode, encode, type FloatDType } from '../support/dtypes.js';
import { type Random, random } from '../support/random.js';

/** How logits are made. `margin` puts the target that far above the rest; `mask` turns every k-th other one to -inf. */
export type Fill =
  | { readonly normal: number; readonly around?: number }
  | { readonly constant: number }
  | { readonly either: readonly [number, number] }
  | { readonly margin: number; readonly jitter?: number }
  | { readonly normal: number; readonly mask: number };

export type Targets = 'ids' | 'someIgnored' | 'allIgnored' | 'oneCounts' | 'probabilities';

export interface RowCase {
  readonly name: string;
  readonly shape: readonly number[]; // of the logits
  readonly logits?: Fill; // default { normal: 3 }
  readonly targets?: Targets; // default 'ids'
  readonly ids?: 'int32' | 'int64' | 'uint8'; // default 'int32'
  readonly weights?: 'positive' | 'someZero' | 'someNegative';
  readonly classWeights?: boolean;
  readonly upstream?: number | 'each' | 'someZero' | 'zero';
  readonly passAtN?: { readonly n: number; readonly length: number }; // rows of one segment, in turn
  readonly options?: Readonly<Record<string, unknown>>; // as the public function takes them
  readonly seed?: number;
}

export interface RowInputs {
  readonly rows: number;
  readonly classes: number;
  readonly leading: readonly number[];
  readonly storage: Float32Array | Uint16Array; // the logits as the engine gets them
  readonly logits: Float64Array; // the same numbers
  readonly targets?: Int32Array | BigInt64Array | Uint8Array;
  readonly probabilities?: { readonly storage: Float32Array | Uint16Array; readonly values: Float64Array };
  readonly weights?: Float32Array;
  readonly classWeights?: Float32Array;
  readonly upstream?: Float32Array;
  readonly segments?: Int32Array;
}

export function makeInputs(item: RowCase, dtype: FloatDType): RowInputs {
  const { shape, ids = 'int32', targets: kind = 'ids', upstream } = item;
  const classes = shape.at(-1) as number;
  const leading = shape.slice(0, -1);
  const rows = leading.reduce((a, b) => a * b, 1);
  const source = random(item.seed ?? 1);
  const floats = (count: number, value: (i: number) => number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => value(i));

  const ignore = (item.options?.ignoreIndex as number | undefined) ?? -100;
  const labels = Array.from({ length: rows }, () => source.below(classes));
  const counts = countingRows(kind, rows, source);
  const targets = labels.map((label, row) => (counts(row) ? label : ignore));
  const storage = encode(fillLogits(item.logits ?? { normal: 3 }, rows, classes, labels, source), dtype);
  const upstreamOf = {
    each: () => source.normal(),
    someZero: (i: number) => (i % 3 ? source.normal() : 0),
    zero: () => 0,
  };
  const weightOf = {
    positive: () => 0.2 + source.uniform(),
    someZero: (i: number) => (i % 3 === 1 ? 0 : 0.2 + source.uniform()),
    someNegative: (i: number) => (i % 5 === 1 ? -0.3 : 0.5 + source.uniform()),
  };
  const weights = item.weights && floats(rows, weightOf[item.weights]);
  const made: RowInputs = {
    rows,
    classes,
    leading,
    storage,
    logits: decode(storage, dtype),
    ...(kind === 'probabilities'
      ? { probabilities: distributions(rows, classes, dtype, source) }
      : { targets: asIds(targets, ids) }),
    ...(weights && { weights }),
    ...(item.classWeights && { classWeights: floats(classes, () => 0.2 + source.uniform()) }),
    ...(typeof upstream === 'string' && { upstream: floats(rows, upstreamOf[upstream]) }),
    ...(item.passAtN && { segments: segmentsOf(rows, item.passAtN.length) }),
  };
  return made;
}

/** Every other pair of neighbouring segments is interleaved: rows of one segment need not be neighbours. */
function segmentsOf(rows: number, length: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => {
    const pair = Math.floor(row / (2 * length));
    const within = row % (2 * length);
    return 100 - (pair % 2 ? 2 * pair + (within % 2) : Math.floor(row / length));
  });
}

function asIds(
  targets: readonly number[],
  type: 'int32' | 'int64' | 'uint8',
): Int32Array | BigInt64Array | Uint8Array {
  if (type === 'int64') return BigInt64Array.from(targets, BigInt);
  return type === 'uint8' ? Uint8Array.from(targets) : Int32Array.from(targets);
}

function countingRows(kind: Targets, rows: number, { uniform, below }: Random): (row: number) => boolean {
  if (kind === 'allIgnored') return () => false;
  if (kind === 'someIgnored') return () => uniform() > 0.3;
  const only = kind === 'oneCounts' ? below(rows) : -1;
  return (row) => only < 0 || row === only;
}

function fillLogits(
  fill: Fill,
  rows: number,
  classes: number,
  labels: readonly number[],
  source: Random,
): Float64Array {
  const { normal, pick, below } = source;
  return Float64Array.from({ length: rows * classes }, (_, at) => {
    const j = at % classes;
    const isTarget = j === labels[(at - j) / classes];
    if ('constant' in fill) return fill.constant;
    if ('either' in fill) return pick(fill.either);
    if ('margin' in fill) return (isTarget ? fill.margin : 0) + (fill.jitter ?? 0) * normal();
    if ('mask' in fill && !isTarget && below(fill.mask) === 0) return -Infinity;
    return fill.normal * normal() + ('around' in fill ? (fill.around ?? 0) : 0);
  });
}

/** Every third row is one-hot: probabilities that are exactly 0 and 1 are the common case. */
function distributions(rows: number, classes: number, dtype: FloatDType, { uniform, below }: Random) {
  const values = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const part = values.subarray(row * classes, (row + 1) * classes);
    if (row % 3 === 2) part[below(classes)] = 1;
    else for (let j = 0; j < classes; j++) part[j] = uniform() ** 4;
    const sum = part.reduce((a, b) => a + b, 0);
    for (let j = 0; j < classes; j++) part[j] = (part[j] as number) / sum;
  }
  const storage = encode(values, dtype);
  return { storage, values: decode(storage, dtype) };
}
