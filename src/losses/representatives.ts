// Where the features behind bars are, for showing people: of a component its voxels just before it dies, of a hole or
// cavity the voxels around it when it is born. Plain floods over one field; nothing of a loss needs them.

import { storage } from '../dtype.js';
import { fromBFloat16, fromFloat16 } from '../float16.js';
import { tensorOf, type View } from '../view.js';
import type { Bars, FieldBatch } from './topology-options.js';

/** One field of a batch, padded as the options say: small values are early. */
export class Terrain {
  readonly #levels: Float32Array;
  readonly #extents: readonly number[];
  readonly #strides: readonly number[];
  readonly #numbers: Int32Array;
  readonly #places: Int32Array;
  readonly #axes: number;

  constructor(view: View, { axes, parameters }: FieldBatch, item: number) {
    const { depth, height, width, closed, sublevel } = parameters;
    const own = axes === 3 ? [depth, height, width] : [height, width];
    const voxels = own.reduce((a, b) => a * b, 1);
    const values = decoded(view).subarray(item * voxels, (item + 1) * voxels);
    const sign = sublevel ? 1 : -1;
    const extents = own.map((extent) => extent + 2 * closed);
    const strides = extents.map((_, axis) => extents.slice(axis + 1).reduce((a, b) => a * b, 1));
    const earliest = values.reduce((least, value) => Math.min(least, sign * value), Infinity);
    this.#levels = new Float32Array(extents.reduce((a, b) => a * b, 1)).fill(earliest);
    this.#numbers = new Int32Array(this.#levels.length).fill(-1);
    this.#places = new Int32Array(voxels);
    for (let number = 0; number < voxels; number++) {
      let place = 0;
      let rest = number;
      for (let axis = axes - 1; axis >= 0; axis--) {
        place += ((rest % (own[axis] as number)) + closed) * (strides[axis] as number);
        rest = Math.floor(rest / (own[axis] as number));
      }
      this.#levels[place] = sign * (values[number] as number);
      this.#numbers[place] = number;
      this.#places[number] = place;
    }
    [this.#axes, this.#extents, this.#strides] = [axes, extents, strides];
  }

  /** For each bar the numbers of voxels; none for loops in 3-D. */
  representatives(bars: Bars, dimension: number): Int32Array[] {
    return Array.from(bars.birthIndex, (birth, i) => {
      const [born, died] = [this.#place(birth), this.#place(bars.deathIndex[i] as number)];
      if (dimension === 0) return this.#component(born, this.#levels[died] as number);
      if (dimension === this.#axes - 1) return this.#surroundings(died, this.#levels[born] as number);
      return new Int32Array(0);
    });
  }

  /** The padding is one component: any of its voxels stands for it. */
  #place(number: number): number {
    return number < 0 ? 0 : (this.#places[number] as number);
  }

  #component(seed: number, end: number): Int32Array {
    const found = new Set([seed]);
    for (const voxel of found) {
      for (let axis = 0; axis < this.#axes; axis++)
        for (const step of [-1, 1]) {
          const next = this.#neighbour(voxel, axis, step);
          if (next >= 0 && (this.#levels[next] as number) < end) found.add(next);
        }
    }
    return this.#numbersOf(found);
  }

  /** Top cells, by their bases, that are later than `level`; the walls that end them are not. */
  #surroundings(voxel: number, level: number): Int32Array {
    const found = new Set([this.#topCellAt(voxel)]);
    const around = new Set<number>();
    const axes = [...this.#extents.keys()];
    for (const cell of found) {
      for (const axis of axes) {
        const others = axes.filter((other) => other !== axis);
        for (const far of [0, 1]) {
          const wall = this.#corners(cell + far * (this.#strides[axis] as number), others);
          const next = this.#neighbour(cell, axis, far ? 1 : -1);
          const later = wall.some((corner) => (this.#levels[corner] as number) > level);
          if (!later) for (const corner of wall) around.add(corner);
          else if (next >= 0 && this.#isBase(next)) found.add(next);
        }
      }
    }
    return this.#numbersOf(around);
  }

  /** A top cell that appears with the voxel. */
  #topCellAt(voxel: number): number {
    const axes = [...this.#extents.keys()];
    let bases = [voxel];
    for (const axis of axes)
      bases = bases.flatMap((base) => [base, this.#neighbour(base, axis, -1)]).filter((base) => base >= 0);
    const level = this.#levels[voxel] as number;
    const appears = (base: number): boolean =>
      this.#isBase(base) &&
      this.#corners(base, axes).every((corner) => (this.#levels[corner] as number) <= level);
    return bases.find(appears) ?? voxel;
  }

  #isBase(place: number): boolean {
    return this.#extents.every((_, axis) => this.#neighbour(place, axis, 1) >= 0);
  }

  #corners(base: number, axes: readonly number[]): number[] {
    return axes.reduce((all, axis) => all.flatMap((v) => [v, v + (this.#strides[axis] as number)]), [base]);
  }

  #neighbour(place: number, axis: number, step: number): number {
    const stride = this.#strides[axis] as number;
    const extent = this.#extents[axis] as number;
    const at = (Math.floor(place / stride) % extent) + step;
    return at < 0 || at >= extent ? -1 : place + step * stride;
  }

  #numbersOf(places: Iterable<number>): Int32Array {
    const numbers = [];
    for (const place of places)
      if ((this.#numbers[place] as number) >= 0) numbers.push(this.#numbers[place] as number);
    return Int32Array.from(numbers).sort();
  }
}

function decoded(view: View): Float32Array {
  const data = tensorOf(view).dataSync();
  if (view.dtype === 'float16') return fromFloat16(data as Uint16Array);
  if (view.dtype === 'bfloat16') return fromBFloat16(data as Uint16Array);
  return storage(view.dtype).floating
    ? (data as Float32Array)
    : Float32Array.from(data as Int32Array, Number);
}
