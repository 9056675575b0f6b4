// Every dtype, byte order and memory order of NPY against the values it was made of, and files that are not what they say.

import { describe, expect, test } from 'vitest';
import { FileError } from '../../src/images/field.js';
import { decodeNpy } from '../../src/images/npy.js';
import { encodeNpy, floatNpy, npyOf } from '../support/files.js';

type Write = (view: DataView, at: number, value: number, little: boolean) => void;
const half: Readonly<Record<number, number>> = {
  0: 0,
  1: 0x3c00,
  0.5: 0x3800,
  2: 0x4000,
  [-1]: 0xbc00,
  100: 0x5640,
};
const dtypes: readonly [string, number, Write, readonly number[]][] = [
  ['b1', 1, (view, at, value) => view.setUint8(at, value), [0, 1, 1, 0, 1, 1]],
  ['u1', 1, (view, at, value) => view.setUint8(at, value), [0, 1, 2, 127, 128, 255]],
  ['i1', 1, (view, at, value) => view.setInt8(at, value), [0, 1, -1, 127, -128, 5]],
  ['u2', 2, (view, at, value, little) => view.setUint16(at, value, little), [0, 1, 256, 65535, 3, 4]],
  ['i2', 2, (view, at, value, little) => view.setInt16(at, value, little), [0, -1, 256, -32768, 3, 4]],
  ['u4', 4, (view, at, value, little) => view.setUint32(at, value, little), [0, 1, 2 ** 31, 65536, 3, 4]],
  ['i4', 4, (view, at, value, little) => view.setInt32(at, value, little), [0, -1, -(2 ** 31), 65536, 3, 4]],
  [
    'u8',
    8,
    (view, at, value, little) => view.setBigUint64(at, BigInt(value), little),
    [0, 1, 2 ** 40, 9, 3, 4],
  ],
  [
    'i8',
    8,
    (view, at, value, little) => view.setBigInt64(at, BigInt(value), little),
    [0, -1, -(2 ** 40), 9, 3, 4],
  ],
  [
    'f2',
    2,
    (view, at, value, little) => view.setUint16(at, half[value] as number, little),
    [0, 1, 0.5, 2, -1, 100],
  ],
  [
    'f4',
    4,
    (view, at, value, little) => view.setFloat32(at, value, little),
    [0, 0.25, -1.5, 1e30, 3, Infinity],
  ],
  [
    'f8',
    8,
    (view, at, value, little) => view.setFloat64(at, value, little),
    [0, 0.25, -1.5, 0.1, 3, -Infinity],
  ],
];

describe.each(dtypes)('%s', (name, bytes, write, values) => {
  test.each([
    ['<', true, false],
    ['>', false, false],
    ['<', true, true],
    ['>', false, true],
  ])('byte order %s, little-endian %s, Fortran order %s', (order, little, fortran) => {
    const data = new Uint8Array(values.length * bytes);
    const view = new DataView(data.buffer);
    for (const version of [1, 2, 3]) {
      for (const shape of [
        [2, 3],
        [1, 3, 2],
        [3, 1, 2],
      ]) {
        // where the value of each place in C order lies in the file
        const at = (i: number): number => {
          const [depth, height, width] = (shape.length === 2 ? [1, ...shape] : shape) as [
            number,
            number,
            number,
          ];
          const [z, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
          return fortran ? z + depth * (y + height * x) : i;
        };
        values.forEach((value, i) => {
          write(view, at(i) * bytes, value, little);
        });
        const field = decodeNpy(encodeNpy(order + name, shape, data, { fortran, version }));
        expect(field.shape).toEqual(shape);
        expect(field.data).toEqual(Float32Array.from(values));
      }
    }
  });
});

test('one byte has no order, and any header entry may come first', () => {
  const file = npyOf("{'shape': (1, 2), 'fortran_order': False, 'descr': '|u1'}", Buffer.from([3, 4]));
  expect(decodeNpy(file)).toEqual({ data: Float32Array.of(3, 4), shape: [1, 2] });
});

describe('a file that is not what it says', () => {
  const rejects = (file: Uint8Array, message: RegExp): void => {
    expect(() => decodeNpy(file)).toThrow(FileError);
    expect(() => decodeNpy(file)).toThrow(message);
  };
  test.each([
    [[6], /2 or 3 axes but received 1/],
    [[], /2 or 3 axes but received 0/],
    [[1, 1, 2, 3], /2 or 3 axes but received 4/],
    [[0, 6], /axes of at least 1/],
    [[2 ** 53, 0], /axes of at least 1/],
    [[2, 4], /32 bytes of values but received 24/],
    [[2, 2], /16 bytes of values but received 24/],
    [[2 ** 40, 2 ** 40], /bytes of values but received 24/],
    [[2 ** 52, 2 ** 52, 2 ** 52], /bytes of values but received 24/],
  ])('of shape %j', (shape, message) => rejects(encodeNpy('<f4', shape, Buffer.alloc(24)), message));

  test.each(['|O', '<c8', '<U4', '|S5', '<f16', '<M8[s]', '|V4', '<f3', 'constructor'])(
    'of type %s',
    (descr) => rejects(encodeNpy(descr, [2, 3], Buffer.alloc(24)), /booleans, integers or floats/),
  );

  test('of records, of another version, or without its entries', () => {
    const records = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}";
    rejects(
      npyOf(records, Buffer.alloc(24)),
      /floats of up to 8 bytes but received a type that is no number/,
    );
    rejects(
      encodeNpy('<f4', [2, 3], Buffer.alloc(24), { version: 4 }),
      /version 1, 2 or 3 but received version 4/,
    );
    rejects(npyOf("{'descr': '<f4', 'shape': (2, 3)}", Buffer.alloc(24)), /'fortran_order'/);
    rejects(npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}", Buffer.alloc(24)), /'shape'/);
  });
});

describe('a hostile file', () => {
  const file = floatNpy([0, 1, 2, 3, 4, 5], [2, 3]);

  test('that ends anywhere is refused', () => {
    for (let length = 6; length < file.length; length++)
      expect(() => decodeNpy(file.subarray(0, length)), `${length}`).toThrow(FileError);
  });

  test('with any bit flipped is refused or read as what it then is', () => {
    for (let bit = 8 * 6; bit < 8 * file.length; bit++) {
      const flipped = Buffer.from(file);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        expect(decodeNpy(flipped).data.length).toBeLessThanOrEqual(24);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
      }
    }
  });
});
