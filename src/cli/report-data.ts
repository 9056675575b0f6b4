// What a report's page is made of, as the command writes it and the page's script reads it.

/** The bytes of a typed array, deflated (zlib), in base64. */
export type Packed<_Kind extends 'Uint8Array' | 'Float32Array' | 'Int32Array'> = string;

export interface ReportOptions {
  readonly filtration: 'superlevel' | 'sublevel';
  readonly border: 'open' | 'closed';
  readonly threshold: number;
}

/** One line of the list of pairs. */
export interface ReportLine {
  readonly name: string;
  readonly prediction: string;
  readonly target: string;
  readonly bettiNumbers: { readonly prediction: readonly number[]; readonly target: readonly number[] };
  readonly bettiNumberError: number;
  readonly bettiMatchingError: number;
}

export interface ReportIndex {
  readonly options: ReportOptions;
  readonly pairs: readonly ReportLine[];
}

/** Bars of one field in one dimension, the longest of them. Indices are voxels; -1 is the padding. */
export interface ReportBars {
  readonly birth: Packed<'Float32Array'>;
  readonly death: Packed<'Float32Array'>;
  readonly birthIndex: Packed<'Int32Array'>;
  readonly deathIndex: Packed<'Int32Array'>;
  /** Regions of src/cli/regions.ts, one for each bar; none for loops in 3-D. */
  readonly labels?: Packed<'Int32Array'>;
  readonly parents?: Packed<'Int32Array'>;
}

export interface ReportDimension {
  readonly dimension: number;
  readonly prediction: ReportBars;
  readonly target: ReportBars;
  /** So many bars at the beginning of both lists belong together, the first to the first. */
  readonly matched: number;
  /** Shorter bars that were left out. */
  readonly omitted: number;
}

/** One pair of fields. */
export interface ReportPair {
  readonly shape: readonly number[];
  /** The values that black and white stand for. */
  readonly range: readonly [low: number, high: number];
  readonly prediction: Packed<'Uint8Array'>;
  readonly target: Packed<'Uint8Array'>;
  readonly dimensions: readonly ReportDimension[];
}
