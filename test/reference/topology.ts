// Persistence and Betti matching of small fields by plain reduction of boundary matrices over Z/2, in float64: the
// definition, with nothing clever. A cell is a voxel, an edge, a square or a cube; it is there once all its voxels are.

export interface Field {
  readonly values: ArrayLike<number>;
  /** [height, width] or [depth, height, width]. */
  readonly shape: readonly number[];
}

export interface FieldOptions {
  readonly filtration?: 'superlevel' | 'sublevel';
  readonly border?: 'open' | 'closed';
  readonly dimensions?: readonly number[];
}

export interface MatchingOptions extends FieldOptions {
  readonly activation?: 'none' | 'sigmoid';
  readonly unmatched?: {
    readonly prediction?: 'diagonal' | 'oneZero' | 'ignore';
    readonly target?: 'count' | 'ignore';
  };
  readonly minPersistence?: number;
}

/** Values in the original sign; voxels are row-major numbers inside the field, -1 in the padding. */
export interface Bar {
  readonly birth: number;
  readonly death: number;
  readonly birthIndex: number;
  readonly deathIndex: number;
}

export interface Matching {
  readonly matched: readonly { readonly prediction: Bar; readonly target: Bar }[];
  readonly unmatchedPrediction: readonly Bar[];
  readonly unmatchedTarget: readonly Bar[];
}

// ── cells ──

interface Cell {
  /** Row-major numbers of its corners, ascending; the first is its base. */
  readonly voxels: readonly number[];
  /** Numbers of the cells of its boundary among the cells of one dimension less. */
  readonly faces: readonly number[];
}

/** Cells by dimension, each list by base and then type: equal values keep this order. */
type Complex = readonly (readonly Cell[])[];

const complexes = new Map<string, Complex>();

function complexOf(shape: readonly number[]): Complex {
  const key = shape.join('×');
  const known = complexes.get(key) ?? makeComplex(shape);
  complexes.set(key, known);
  return known;
}

function makeComplex(shape: readonly number[]): Complex {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const voxels = shape.reduce((a, b) => a * b, 1);
  const complex: Cell[][] = shape.map(() => []).concat([[]]);
  const numbers = new Map<string, number>();
  for (let dimension = 0; dimension <= shape.length; dimension++) {
    for (let base = 0; base < voxels; base++) {
      const at = shape.map((extent, axis) => Math.floor(base / (strides[axis] as number)) % extent);
      for (const axes of typesOf(dimension, shape.length)) {
        if (axes.some((axis) => (at[axis] as number) + 1 >= (shape[axis] as number))) continue;
        const cells = complex[dimension] as Cell[];
        numbers.set(`${base}:${axes}`, cells.length);
        const faces = axes.flatMap((axis) => {
          const rest = axes.filter((other) => other !== axis);
          return [base, base + (strides[axis] as number)].map((b) => numbers.get(`${b}:${rest}`) as number);
        });
        let corners = [base];
        for (const axis of axes) corners = corners.flatMap((v) => [v, v + (strides[axis] as number)]);
        cells.push({ voxels: corners.sort((a, b) => a - b), faces });
      }
    }
  }
  return complex;
}

/** The axes along which cells of a dimension extend: an edge's type is its axis, a square's in 3-D its normal axis. */
function typesOf(dimension: number, axes: number): readonly (readonly number[])[] {
  const all = Array.from({ length: axes }, (_, axis) => axis);
  if (dimension === 0) return [[]];
  if (dimension === 1) return all.map((axis) => [axis]);
  if (dimension === axes) return [all];
  return all.map((normal) => all.filter((axis) => axis !== normal));
}

// ── filtration ──

/** Cells of one dimension as a field orders them. */
interface Order {
  readonly values: readonly number[];
  /** Cell numbers, the earliest first; and the place of each cell among them. */
  readonly sequence: readonly number[];
  readonly place: readonly number[];
}

function orderOf(cells: readonly Cell[], sublevel: Float64Array): Order {
  const values = cells.map((cell) => Math.max(...cell.voxels.map((voxel) => sublevel[voxel] as number)));
  const sequence = cells.map((_, i) => i);
  // -Infinity - -Infinity is NaN, so no subtraction
  const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
  sequence.sort((a, b) => compare(values[a] as number, values[b] as number) || a - b);
  const place: number[] = [];
  sequence.forEach((cell, at) => {
    place[cell] = at;
  });
  return { values, sequence, place };
}

/**
 * Reduces the boundary matrix whose columns and rows stand in two orders, not necessarily of the same field: for each
 * column that does not vanish, its row. Cells of the rows are born, those of the columns kill them.
 */
function reduce(columns: readonly Cell[], columnOrder: Order, rowOrder: Order): Map<number, number> {
  const reduced = new Map<number, { column: number; rows: Set<number> }>();
  const birthOf = new Map<number, number>();
  for (const column of columnOrder.sequence) {
    const rows = new Set<number>();
    for (const face of (columns[column] as Cell).faces) toggle(rows, rowOrder.place[face] as number);
    while (rows.size > 0) {
      const pivot = Math.max(...rows);
      const earlier = reduced.get(pivot);
      if (earlier === undefined) {
        reduced.set(pivot, { column, rows });
        birthOf.set(column, rowOrder.sequence[pivot] as number);
        break;
      }
      for (const row of earlier.rows) toggle(rows, row);
    }
  }
  return birthOf;
}

function toggle(set: Set<number>, element: number): void {
  if (!set.delete(element)) set.add(element);
}

// ── fields ──

/** A field made ready: padded and negated as the options ask. */
interface Prepared {
  readonly shape: readonly number[];
  /** Early is small. */
  readonly sublevel: Float64Array;
  readonly sign: number;
  /** The number in the caller's field of each voxel; -1 in the padding. */
  readonly origin: readonly number[];
}

function prepare({ values, shape }: Field, { filtration, border }: FieldOptions): Prepared {
  const sign = filtration === 'sublevel' ? 1 : -1;
  const own = Float64Array.from(values, (value) => sign * value);
  if (border !== 'closed' || own.length === 0) return { shape, sublevel: own, sign, origin: [...own.keys()] };
  const padded = shape.map((extent) => extent + 2);
  const origin = Array.from({ length: padded.reduce((a, b) => a * b, 1) }, (_, voxel) => {
    let rest = voxel;
    let scale = 1;
    let number = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = (rest % (padded[axis] as number)) - 1;
      if (at < 0 || at >= (shape[axis] as number)) return -1;
      number += at * scale;
      scale *= shape[axis] as number;
      rest = Math.floor(rest / (padded[axis] as number));
    }
    return number;
  });
  const earliest = own.reduce((a, b) => Math.min(a, b), Infinity);
  const sublevel = Float64Array.from(origin, (at) => (at < 0 ? earliest : (own[at] as number)));
  return { shape: padded, sublevel, sign, origin };
}

function barOf(field: Prepared, born: Cell, killer: Cell): Bar {
  const at = (cell: Cell): number =>
    cell.voxels.reduce((a, b) => ((field.sublevel[b] as number) >= (field.sublevel[a] as number) ? b : a));
  const [birth, death] = [at(born), at(killer)];
  return {
    birth: field.sign * (field.sublevel[birth] as number),
    death: field.sign * (field.sublevel[death] as number),
    birthIndex: field.origin[birth] as number,
    deathIndex: field.origin[death] as number,
  };
}

const wanted = (shape: readonly number[], { dimensions }: FieldOptions): boolean[] =>
  shape.map((_, dimension) => dimensions?.includes(dimension) ?? true);

/** Bars of positive length by dimension. */
export function persistence(field: Field, options: FieldOptions = {}): Bar[][] {
  const prepared = prepare(field, options);
  const complex = complexOf(prepared.shape);
  return wanted(field.shape, options).map((asked, dimension) => {
    if (!asked) return [];
    const [born, killers] = [complex[dimension] as Cell[], complex[dimension + 1] as Cell[]];
    const [births, deaths] = [orderOf(born, prepared.sublevel), orderOf(killers, prepared.sublevel)];
    return [...reduce(killers, deaths, births)]
      .filter(([killer, birth]) => births.values[birth] !== deaths.values[killer])
      .map(([killer, birth]) => barOf(prepared, born[birth] as Cell, killers[killer] as Cell));
  });
}

/** A field's bars by birth, and the births of its image bars by the cell that kills them. */
interface Side {
  readonly bars: Map<number, Bar>;
  readonly image: Map<number, number>;
}

/** Which bars of two fields belong together: those that the smaller of both fields at each voxel connects. */
export function matching(prediction: Field, target: Field, options: MatchingOptions = {}): Matching[] {
  const least = options.minPersistence ?? 0;
  const fields = [prediction, target].map((field) => prepare(field, options)) as [Prepared, Prepared];
  const comparison = fields[0].sublevel.map((value, i) => Math.min(value, fields[1].sublevel[i] as number));
  const complex = complexOf(fields[0].shape);
  return wanted(prediction.shape, options).map((asked, dimension) => {
    if (!asked) return { matched: [], unmatchedPrediction: [], unmatchedTarget: [] };
    const [born, killers] = [complex[dimension] as Cell[], complex[dimension + 1] as Cell[]];
    const ordersOf = (sublevel: Float64Array) =>
      ({ births: orderOf(born, sublevel), deaths: orderOf(killers, sublevel) }) as const;
    const common = ordersOf(comparison);
    const sides = fields.map((field, side) => {
      const { births, deaths } = ordersOf(field.sublevel);
      const bars = new Map<number, Bar>();
      for (const [killer, birth] of reduce(killers, deaths, births)) {
        const length = Math.abs((births.values[birth] as number) - (deaths.values[killer] as number));
        if (births.values[birth] === deaths.values[killer] || (side === 0 && length < least)) continue;
        bars.set(birth, barOf(field, born[birth] as Cell, killers[killer] as Cell));
      }
      return { bars, image: reduce(killers, common.deaths, births) };
    }) as [Side, Side];

    const matched: { prediction: Bar; target: Bar }[] = [];
    for (const [killer, birth] of reduce(killers, common.deaths, common.births)) {
      if (common.births.values[birth] === common.deaths.values[killer]) continue;
      const births = sides.map((side) => side.image.get(killer) ?? -1) as [number, number];
      const bars = sides.map((side, i) => side.bars.get(births[i] as number));
      if (!bars[0] || !bars[1]) continue;
      matched.push({ prediction: bars[0], target: bars[1] });
      sides.forEach((side, i) => {
        side.bars.delete(births[i] as number);
      });
    }
    return {
      matched,
      unmatchedPrediction: [...sides[0].bars.values()],
      unmatchedTarget: [...sides[1].bars.values()],
    };
  });
}

// ── loss ──

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** a - b, and 0 for equal infinities. */
const difference = (a: number, b: number): number => (a === b ? 0 : a - b);

/**
 * The loss of one field and its gradient, with the sum of the sizes of what each element adds up. The sigmoid is rounded to
 * float32, which decides what is equal.
 */
export function bettiMatching(
  prediction: Field,
  target: Field,
  options: MatchingOptions = {},
): { loss: number; gradient: Float64Array; sizes: Float64Array; dimensions: Matching[] } {
  const smooth = options.activation === 'sigmoid';
  const { values, shape } = prediction;
  const activated = smooth ? Float64Array.from(values, (x) => Math.fround(sigmoid(x))) : values;
  const dimensions = matching({ values: activated, shape }, target, options);
  const { prediction: unmatched = 'diagonal', target: counts = 'count' } = options.unmatched ?? {};
  const [early, late] = options.filtration === 'sublevel' ? [0, 1] : [1, 0];
  const gradient = new Float64Array(values.length);
  const sizes = new Float64Array(values.length);
  let loss = 0;
  const add = (voxel: number, slope: number): void => {
    if (voxel < 0) return;
    gradient[voxel] = (gradient[voxel] as number) + slope;
    sizes[voxel] = (sizes[voxel] as number) + Math.abs(slope);
  };
  /** weight · (value - goal)² */
  const pull = (weight: number, value: number, goal: number, voxel: number): void => {
    loss += weight * difference(value, goal) ** 2;
    add(voxel, 2 * weight * difference(value, goal));
  };
  for (const { matched, unmatchedPrediction, unmatchedTarget } of dimensions) {
    for (const { prediction: p, target: t } of matched) {
      pull(2, p.birth, t.birth, p.birthIndex);
      pull(2, p.death, t.death, p.deathIndex);
    }
    for (const bar of unmatchedPrediction) {
      if (unmatched === 'diagonal') {
        pull(1, bar.birth, bar.death, bar.birthIndex);
        add(bar.deathIndex, -2 * difference(bar.birth, bar.death));
      } else if (unmatched === 'oneZero') {
        pull(2, bar.birth, early, bar.birthIndex);
        pull(2, bar.death, late, bar.deathIndex);
      }
    }
    if (counts === 'count') for (const bar of unmatchedTarget) loss += difference(bar.birth, bar.death) ** 2;
  }
  if (smooth) {
    for (const array of [gradient, sizes])
      array.forEach((slope, i) => {
        if (slope !== 0) array[i] = slope * slopeAt(values[i] as number);
      });
  }
  return { loss, gradient, sizes, dimensions };
}

const slopeAt = (x: number): number => sigmoid(x) * sigmoid(-x);

// ── masks ──

const binarise = ({ values, shape }: Field, threshold: number): Field => ({
  values: Float64Array.from(values, (value) => (value > threshold ? 1 : 0)),
  shape,
});

/** Betti numbers of what is above the threshold (for sublevel: of what is not), counted from ranks of boundaries. */
export function bettiNumbers(field: Field, options: FieldOptions & { threshold?: number } = {}): number[] {
  const mask = binarise(field, options.threshold ?? 0.5);
  const prepared = prepare(mask, options);
  const foreground = options.filtration === 'sublevel' ? 0 : -1;
  const complex = complexOf(prepared.shape);
  const inside = (cell: Cell): boolean =>
    cell.voxels.every((voxel) => prepared.sublevel[voxel] === foreground);
  const counts = complex.map((cells) => cells.filter(inside).length);
  const ranks = complex.map((cells, dimension) => {
    if (dimension === 0) return 0;
    const faces = complex[dimension - 1] as Cell[];
    const all = (list: readonly Cell[]): Order => orderOf(list, prepared.sublevel);
    const pairs = reduce(cells, all(cells), all(faces));
    return [...pairs.keys()].filter((cell) => inside(cells[cell] as Cell)).length;
  });
  return wanted(field.shape, options).map((asked, k) =>
    asked ? (counts[k] as number) - (ranks[k] as number) - (ranks[k + 1] as number) : 0,
  );
}

export function bettiNumberError(
  prediction: Field,
  target: Field,
  options: FieldOptions & { threshold?: number } = {},
): number {
  const [a, b] = [bettiNumbers(prediction, options), bettiNumbers(target, options)];
  return a.reduce((sum, count, k) => sum + Math.abs(count - (b[k] as number)), 0);
}

export function bettiMatchingError(
  prediction: Field,
  target: Field,
  options: FieldOptions & { threshold?: number } = {},
): number {
  const masks = [prediction, target].map((field) => binarise(field, options.threshold ?? 0.5)) as [
    Field,
    Field,
  ];
  return matching(...masks, options).reduce(
    (sum, { unmatchedPrediction, unmatchedTarget }) =>
      sum + unmatchedPrediction.length + unmatchedTarget.length,
    0,
  );
}
