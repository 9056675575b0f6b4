// Where a feature is in a field, for drawing: a component is what is connected to its birth before its death, a hole what
// its loop or shell encloses, which is connected to its death after its birth. Such regions are nested or apart, so each
// voxel needs but the smallest that holds it, and each region the next larger one.

import type { Field } from '../images/field.js';
import type { Bars } from '../losses/topology-options.js';

export interface Regions {
  /** For each voxel the smallest region that holds it, else -1. Regions count as the bars do. */
  readonly labels: Int32Array;
  /** For each region the smallest one around it, else -1. */
  readonly parents: Int32Array;
}

/** Undefined for loops in 3-D, which enclose nothing. */
export function regionsOf(
  { data, shape }: Field,
  bars: Bars,
  dimension: number,
  filtration: 'superlevel' | 'sublevel',
): Regions | undefined {
  const holes = dimension === shape.length - 1;
  if (dimension > 0 && !holes) return undefined;
  const sign = (filtration === 'superlevel') === holes ? 1 : -1;
  const values = data.map((value) => sign * value);
  const extents = (shape.length === 2 ? [1, ...shape] : shape) as [number, number, number];
  const grow = new Growth(values, extents, holes, bars.birth.length);
  const [seeds, levels] = holes ? [bars.deathIndex, bars.birth] : [bars.birthIndex, bars.death];
  const parents = new Int32Array(seeds.length).fill(-1);
  const labels = new Int32Array(data.length).fill(-1);
  const byLevel = Array.from(levels, (_, region) => region)
    .filter((region) => (seeds[region] as number) >= 0)
    .sort((a, b) => order(sign * (levels[a] as number), sign * (levels[b] as number)));
  for (const region of byLevel) {
    grow.until(sign * (levels[region] as number));
    const { voxels, regions } = grow.take(seeds[region] as number, region);
    for (const voxel of voxels) labels[voxel] = region;
    for (const inner of regions) parents[inner] = region;
  }
  return { labels, parents };
}

type Extents = readonly [depth: number, height: number, width: number];

/** Infinity - Infinity is NaN, so no subtraction. */
function order(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const isWithin = (place: number, extent: number): boolean => place >= 0 && place < extent;

/** The way to a neighbour along each axis, and in row-major order. */
interface Step {
  readonly z: number;
  readonly y: number;
  readonly x: number;
  readonly offset: number;
}

/** Along the axes, or along the diagonals as well. */
function stepsOf([, height, width]: Extents, diagonals: boolean): Step[] {
  const ways = [-1, 0, 1];
  return ways
    .flatMap((z) => ways.flatMap((y) => ways.map((x) => ({ z, y, x, offset: (z * height + y) * width + x }))))
    .filter(({ z, y, x }) => {
      const axes = Math.abs(z) + Math.abs(y) + Math.abs(x);
      return axes === 1 || (axes > 1 && diagonals);
    });
}

/** Numbers of the values in ascending order. */
function sorted(values: Float32Array): Uint32Array {
  // By words whose upper half (little-endian) are integers in the order of the floats, and whose lower half is the number.
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const b = bits[i] as number;
    words[2 * i] = i;
    words[2 * i + 1] = b ^ ((b >> 31) | 0x8000_0000);
  }
  new BigUint64Array(words.buffer).sort();
  return words.filter((_, i) => i % 2 === 0);
}

/** Voxels join in ascending order of their values, each to the neighbours that are there (union-find). */
class Growth {
  readonly #values: Float32Array;
  readonly #extents: Extents;
  readonly #steps: readonly Step[];
  readonly #sequence: Uint32Array;
  #joined = 0;
  /** -1 for what has not joined. */
  readonly #parent: Int32Array;
  /** By root: voxels that are in no region yet, and regions that are in no other. */
  readonly #voxels: Chains;
  readonly #regions: Chains;

  constructor(values: Float32Array, extents: Extents, diagonals: boolean, regions: number) {
    this.#values = values;
    this.#extents = extents;
    this.#steps = stepsOf(extents, diagonals);
    this.#parent = new Int32Array(values.length).fill(-1);
    this.#sequence = sorted(values);
    this.#voxels = new Chains(values.length, values.length);
    this.#regions = new Chains(values.length, regions);
  }

  /** Lets everything below the level join. */
  until(level: number): void {
    for (; this.#joined < this.#sequence.length; this.#joined++) {
      const voxel = this.#sequence[this.#joined] as number;
      if (!((this.#values[voxel] as number) < level)) return;
      this.#parent[voxel] = voxel;
      this.#voxels.add(voxel, voxel);
      this.#joinNeighbours(voxel);
    }
  }

  #joinNeighbours(voxel: number): void {
    const [depth, height, width] = this.#extents;
    const x = voxel % width;
    const y = Math.floor(voxel / width) % height;
    const z = Math.floor(voxel / (width * height));
    for (const step of this.#steps) {
      const inside =
        isWithin(x + step.x, width) && isWithin(y + step.y, height) && isWithin(z + step.z, depth);
      if (!inside || (this.#parent[voxel + step.offset] as number) < 0) continue;
      this.#join(this.#root(voxel + step.offset), this.#root(voxel));
    }
  }

  /** What a new region around `seed` is made of. */
  take(seed: number, region: number): { voxels: readonly number[]; regions: readonly number[] } {
    const root = this.#root(seed);
    const taken = { voxels: this.#voxels.take(root), regions: this.#regions.take(root) };
    this.#regions.add(root, region);
    return taken;
  }

  #root(voxel: number): number {
    let at = voxel;
    while (this.#parent[at] !== at) {
      const above = this.#parent[at] as number;
      this.#parent[at] = this.#parent[above] as number;
      at = above;
    }
    return at;
  }

  #join(into: number, root: number): void {
    if (into === root) return;
    this.#parent[root] = into;
    this.#voxels.move(root, into);
    this.#regions.move(root, into);
  }
}

/** Lists of items by owner; each item is in one at most, and lists are joined without being walked. */
class Chains {
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  readonly #next: Int32Array;

  constructor(owners: number, items: number) {
    this.#first = new Int32Array(owners).fill(-1);
    this.#last = new Int32Array(owners).fill(-1);
    this.#next = new Int32Array(items).fill(-1);
  }

  add(owner: number, item: number): void {
    this.#append(owner, item, item);
  }

  move(from: number, to: number): void {
    const first = this.#first[from] as number;
    if (first < 0) return;
    this.#append(to, first, this.#last[from] as number);
    this.#first[from] = -1;
  }

  take(owner: number): number[] {
    const items: number[] = [];
    for (let item = this.#first[owner] as number; item >= 0; item = this.#next[item] as number)
      items.push(item);
    this.#first[owner] = -1;
    return items;
  }

  #append(owner: number, first: number, last: number): void {
    if ((this.#first[owner] as number) < 0) this.#first[owner] = first;
    else this.#next[this.#last[owner] as number] = first;
    this.#last[owner] = last;
  }
}
