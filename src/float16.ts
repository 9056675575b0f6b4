// 16-bit floats as bits: bfloat16 (8 bits of exponent, 7 of fraction) and IEEE float16 (5 and 10), both ways, rounded
// to nearest even. Exact for every input: NaN stays NaN with its sign and high bits, subnormals are kept.

import { makeStorage, type Stored } from './dtype.js';
import { bufferOf, byteOffsetOf, detached, isDetached, lengthOf, typedArrayKind } from './memory.js';
import { expected } from './validate.js';

const sign = 0x8000_0000;
const infinity = 0x7f80_0000;

/** float32 values as bfloat16 bits. @example toBFloat16(new Float32Array([1, -2])) // Uint16Array [0x3f80, 0xc000] */
export function toBFloat16(values: Float32Array): Uint16Array {
  const { buffer, offset, length } = memoryOf(values, 'Float32Array', 'values');
  const bits = new Uint32Array(buffer, offset, length);
  const result = makeStorage('bfloat16', length, 'the bits') as Uint16Array;
  for (let i = 0; i < length; i++) {
    const b = bits[i] as number;
    const quiet = (b & ~sign) > infinity;
    // Half a unit minus one, plus the last bit kept: ties go to even. A NaN keeps its bits, made quiet.
    result[i] = quiet ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return result;
}

/** bfloat16 bits as float32 values; exact. */
export function fromBFloat16(bits: Uint16Array): Float32Array {
  const { buffer, offset, length } = memoryOf(bits, 'Uint16Array', 'bits');
  const from = new Uint16Array(buffer, offset, length);
  const result = makeStorage('float32', length, 'the values') as Float32Array;
  const out = new Uint32Array(result.buffer);
  for (let i = 0; i < length; i++) out[i] = (from[i] as number) << 16;
  return result;
}

/** float32 values as float16 bits; beyond 65504 by half a unit or more becomes infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const { buffer, offset, length } = memoryOf(values, 'Float32Array', 'values');
  const bits = new Uint32Array(buffer, offset, length);
  const result = makeStorage('float16', length, 'the bits') as Uint16Array;
  for (let i = 0; i < length; i++) result[i] = halfOf(bits[i] as number);
  return result;
}

/** float16 bits as float32 values; exact. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const { buffer, offset, length } = memoryOf(bits, 'Uint16Array', 'bits');
  const from = new Uint16Array(buffer, offset, length);
  const result = makeStorage('float32', length, 'the values') as Float32Array;
  const out = new Uint32Array(result.buffer);
  for (let i = 0; i < length; i++) {
    const half = from[i] as number;
    const magnitude = half & 0x7fff;
    if (magnitude < 0x0400) {
      const value = magnitude * 2 ** -24; // zero and subnormals
      result[i] = half & 0x8000 ? -value : value;
    } else {
      // The exponent's bias goes from 15 to 127; infinity and NaN sit at the top of both ranges.
      const rebias = magnitude < 0x7c00 ? 112 << 23 : 224 << 23;
      out[i] = ((half & 0x8000) << 16) | ((magnitude << 13) + rebias);
    }
  }
  return result;
}

function halfOf(b: number): number {
  const side = (b >>> 16) & 0x8000;
  const magnitude = b & ~sign;
  if (magnitude >= 0x3880_0000) {
    // 2^-14 and above: normal numbers, infinity, NaN
    if (magnitude > infinity) return side | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    if (magnitude >= 0x4780_0000) return side | 0x7c00; // 2^16
    const rebiased = magnitude - (112 << 23);
    return side | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= 0x3300_0000) return side; // half of the smallest subnormal ties to zero
  // Subnormal: multiples of 2^-24. The fraction with its hidden bit is shifted down, and what falls off rounds.
  const fraction = (magnitude & 0x7f_ffff) | 0x80_0000;
  const shift = 126 - (magnitude >>> 23);
  const kept = fraction >>> shift;
  const dropped = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return side | (kept + (dropped > half || (dropped === half && (kept & 1) === 1) ? 1 : 0));
}

/** Where a typed array of this kind has its elements. */
function memoryOf(
  value: unknown,
  kind: string,
  name: string,
): { buffer: ArrayBuffer; offset: number; length: number } {
  if (typedArrayKind(value) !== kind) throw expected('ERR_CUTLOSS_DTYPE', `a ${kind}`, name, value);
  const array = value as Stored;
  const length = lengthOf(array);
  if (length === 0 && isDetached(array)) throw detached(name);
  return { buffer: bufferOf(array) as ArrayBuffer, offset: byteOffsetOf(array), length };
}
