// Storage formats as the tests understand them, written from IEEE 754 and independent of the package: rounding a float64
// to nearest even, encoding, decoding, and the size of half an ulp. Used to build inputs and to judge outputs.

export type FloatDType = 'float32' | 'float16' | 'bfloat16';
export const floatDTypes: readonly FloatDType[] = ['float32', 'float16', 'bfloat16'];

interface Format {
  readonly precision: number; // bits of the significand, the hidden one included
  readonly minExponent: number; // of the smallest normal number
  readonly largest: number; // the largest finite number
}

export const formats: Readonly<Record<FloatDType, Format>> = {
  float32: { precision: 24, minExponent: -126, largest: (2 - 2 ** -23) * 2 ** 127 },
  float16: { precision: 11, minExponent: -14, largest: 65504 },
  bfloat16: { precision: 8, minExponent: -126, largest: (2 - 2 ** -7) * 2 ** 127 },
};

const scratch = new Float64Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** floor(log2 |x|) of a finite x; float64 subnormals and zero give -1023, below every format here. */
function exponentOf(x: number): number {
  scratch[0] = x;
  return (((scratchBits[1] as number) >>> 20) & 0x7ff) - 1023;
}

/** Half the distance between neighbours of x in the format; below the normal range, half the subnormal step. */
export function halfUlp(x: number, dtype: FloatDType): number {
  const { precision, minExponent } = formats[dtype];
  return 2 ** (Math.max(exponentOf(x), minExponent) - precision);
}

/** x rounded once, to nearest even, straight from float64. */
export function roundTo(x: number, dtype: FloatDType): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const step = 2 * halfUlp(x, dtype);
  const scaled = x / step;
  const floor = Math.floor(scaled);
  const fraction = scaled - floor;
  const up = fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0);
  const size = Math.abs((floor + (up ? 1 : 0)) * step);
  return Math.sign(x) * (size > formats[dtype].largest ? Infinity : size); // the sign survives rounding to zero
}

function encodeFloat16(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = exponentOf(size);
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** Values into storage, each rounded once. */
export function encode(values: ArrayLike<number>, dtype: FloatDType): Float32Array | Uint16Array {
  if (dtype === 'float32') return Float32Array.from(values);
  return Uint16Array.from(values, (value) => {
    const rounded = roundTo(value, dtype);
    if (dtype === 'float16') return encodeFloat16(rounded);
    single[0] = rounded;
    return (singleBits[0] as number) >>> 16;
  });
}

/** Storage into values; every value of every format is exact in float64. */
export function decode(storage: ArrayLike<number>, dtype: FloatDType): Float64Array {
  if (dtype === 'float32') return Float64Array.from(storage);
  return Float64Array.from(storage, (bits) => {
    if (dtype === 'float16') return decodeFloat16(bits);
    singleBits[0] = bits << 16;
    return single[0] as number;
  });
}
