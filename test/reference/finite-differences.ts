// The slope of a float64 function by central differences of fourth order: with a step of 1e-3 the truncation error
// (about step^4) and the rounding error (about 1e-16 / step) are both near 1e-12 for functions of size one.

export function slope(f: (x: number) => number, x: number, step = 1e-3): number {
  return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
}

/** The gradient of f at x, one coordinate at a time. */
export function gradient(f: (x: Float64Array) => number, x: ArrayLike<number>, step = 1e-3): Float64Array {
  const at = Float64Array.from(x);
  return at.map((value, i) => {
    const along = (moved: number): number => {
      const point = Float64Array.from(at);
      point[i] = moved;
      return f(point);
    };
    return slope(along, value, step);
  });
}

/** The largest difference, relative to the largest value (or to 1 where all are small). */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 1;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const gap = Math.abs((a[i] as number) - (b[i] as number));
    difference = Math.max(difference, Number.isNaN(gap) ? Infinity : gap);
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return difference / size;
}
