// What every topological function shares: the options that say which voxels come first, how fields are read, and the
// parameters the engine asks for.

import { cpu } from '../devices.js';
import { CutlossError } from '../errors.js';
import type { Place } from '../operation.js';
import { type Option, option, optional } from '../options.js';
import { bracketed, integerFrom, oneOf, type Reader, readArray } from '../validate.js';
import { readView, type TensorLike, type View } from '../view.js';
import { placeOf, type RunOptions, runOptions } from './loss.js';

export interface TopologyOptions {
  /** Which values are early, and so foreground: 'superlevel', the default, says bright ones, 'sublevel' dark ones. */
  filtration?: 'superlevel' | 'sublevel';
  /**
   * 'closed' pads each field by one voxel that is there from the beginning (its own earliest value), so that structures
   * touching the border close; no gradient flows to the padding. Default 'open'.
   */
  border?: 'open' | 'closed';
  /** Which dimensions to compute: 0 components, 1 loops, 2 cavities (3-D only). Default: all. */
  dimensions?: readonly number[];
}

/** What a mask is made of. */
export interface ThresholdOptions {
  /** Values above it are 1, the others 0. Default 0.5. */
  threshold?: number;
}

/** Two batches of fields of one shape. */
export interface FieldPair {
  /** [batch, height, width] or [batch, depth, height, width]; floating where it is to have a gradient. */
  prediction: TensorLike;
  /** Of the same shape and any dtype; compared as float32. */
  target: TensorLike;
}

/** Options of functions that are no losses. */
export type FieldOptions = TopologyOptions & RunOptions;

/**
 * Bars of one field in one dimension. A bar is born and dies at a voxel: row-major numbers inside the field, -1 in the
 * padding of a closed border. The component that never dies is not among them. They stand in no particular order.
 */
export interface Bars {
  birth: Float32Array;
  death: Float32Array;
  birthIndex: Int32Array;
  deathIndex: Int32Array;
}

const readDimension = integerFrom(0, 2);
const readDimensions: Reader<readonly number[]> = (value, name) =>
  readArray(value, name, 'an array of dimensions', 16).map((item, i) => readDimension(item, `${name}[${i}]`));

export const topologyOptions: {
  readonly filtration: Option<'superlevel' | 'sublevel'>;
  readonly border: Option<'open' | 'closed'>;
  readonly dimensions: Option<readonly number[] | undefined>;
} = {
  filtration: option(oneOf('superlevel', 'sublevel'), 'superlevel'),
  border: option(oneOf('open', 'closed'), 'open'),
  dimensions: optional(readDimensions),
};

/** TopologyOptions as they were read. */
export interface ParsedTopology {
  readonly filtration: 'superlevel' | 'sublevel';
  readonly border: 'open' | 'closed';
  readonly dimensions: readonly number[] | undefined;
}

export const fieldOptions: typeof topologyOptions & typeof runOptions = { ...topologyOptions, ...runOptions };

const advice = 'fields have the shape [batch, height, width] or [batch, depth, height, width]';

/** A batch of fields and what the engine asks about them. */
export interface FieldBatch {
  readonly items: number;
  /** 2 or 3. */
  readonly axes: number;
  /** No dimension of one field has more bars: most_bars() of engine/topology.h. */
  readonly mostBars: number;
  /** A prepared field takes no more: most_prepared_words() of engine/topology.h. */
  readonly mostPreparedWords: number;
  readonly parameters: Readonly<Record<(typeof batchParameters)[number], number>>;
}

export const batchParameters = [
  'items',
  'axes',
  'depth',
  'height',
  'width',
  'sublevel',
  'closed',
  'dimensions',
  'binary',
  'threshold',
] as const;

export function readField(value: unknown, name: string): View {
  const view = readView(value, name, advice);
  if (view.shape.length === 3 || view.shape.length === 4) return view;
  throw new CutlossError(
    'ERR_CUTLOSS_SHAPE',
    `Expected shape [batch, height, width] or [batch, depth, height, width] for ${name} but received ${bracketed(view.shape)}`,
    { name },
  );
}

/** `threshold` makes masks of the fields. */
export function fieldBatch(field: View, o: ParsedTopology, threshold?: number): FieldBatch {
  const axes = field.shape.length - 1;
  const [items = 0, ...extents] = field.shape;
  const [depth, height, width] = (axes === 3 ? extents : [1, ...extents]) as [number, number, number];
  const asked = o.dimensions ?? (axes === 3 ? [0, 1, 2] : [0, 1]);
  for (const dimension of asked) {
    if (dimension < axes) continue;
    throw new CutlossError(
      'ERR_CUTLOSS_OPTION',
      `Expected dimensions below ${axes} for ${field.name} of shape ${bracketed(field.shape)} but received ${dimension}`,
      { name: 'dimensions' },
    );
  }
  const closed = o.border === 'closed';
  const voxels = extents.reduce((product, extent) => product * (extent + (closed ? 2 : 0)), 1);
  return {
    items,
    axes,
    mostBars: axes === 3 && asked.includes(1) ? 2 * voxels : Math.ceil(voxels / 2),
    mostPreparedWords: (axes === 3 ? 16 : 6) * voxels + 32,
    parameters: {
      items,
      axes,
      depth,
      height,
      width,
      sublevel: Number(o.filtration === 'sublevel'),
      closed: Number(closed),
      dimensions: asked.reduce((bits, dimension) => bits | (1 << dimension), 0),
      binary: Number(threshold !== undefined),
      threshold: threshold ?? 0,
    },
  };
}

/** Topology is computed by the CPU engine unless somebody insists. */
export function placeOfFields(
  views: readonly (View | undefined)[],
  o: {
    readonly device: number | undefined;
    readonly signal: AbortSignal | undefined;
    readonly copy: boolean;
  },
): Place {
  const onHost = (views[0]?.device ?? cpu) < 0;
  return placeOf(views, { ...o, device: o.device ?? (onHost ? cpu : undefined) });
}
