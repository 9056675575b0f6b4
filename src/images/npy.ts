// NPY (NumPy's file of one array) as a field: 2-D and 3-D, booleans, integers and floats of either byte order, in C and in
// Fortran order. Values stay as they are, rounded to float32. The file's own size bounds what is allocated.

import { fromFloat16 } from '../float16.js';
import { type Field, unexpected } from './field.js';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

export function isNpy(file: Uint8Array): boolean {
  return magic.every((byte, i) => file[i] === byte);
}

export function decodeNpy(file: Uint8Array): Field {
  const { bytes, read, littleEndian, fortran, shape, start } = readHeader(file);
  const size = shape.reduce((a, b) => a * b, 1);
  if (file.length - start !== size * bytes)
    throw unexpected(`${size * bytes} bytes of values`, `${file.length - start}`);
  const view = new DataView(file.buffer, file.byteOffset + start, size * bytes);
  const data = new Float32Array(size);
  const [depth, height, width] = (shape.length === 2 ? [1, ...shape] : shape) as [number, number, number];
  const [z, y, x] = fortran ? [1, depth, depth * height] : [height * width, width, 1];
  let to = 0;
  for (let i = 0; i < depth; i++)
    for (let j = 0; j < height; j++)
      for (let k = 0; k < width; k++) data[to++] = read(view, (i * z + j * y + k * x) * bytes, littleEndian);
  const nan = data.findIndex(Number.isNaN);
  if (nan >= 0) throw unexpected('numbers', `NaN for value ${nan} in row-major order`);
  return { data, shape };
}

type Read = (view: DataView, at: number, littleEndian: boolean) => number;

let everyHalf: Float32Array | undefined;

const readHalf: Read = (view, at, littleEndian) => {
  everyHalf ??= fromFloat16(Uint16Array.from({ length: 65536 }, (_, bits) => bits));
  return everyHalf[view.getUint16(at, littleEndian)] as number;
};

/** By NumPy's letter and size. */
const types: Readonly<Record<string, Read>> = {
  b1: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  i2: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  u4: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  i4: (view, at, littleEndian) => view.getInt32(at, littleEndian),
  u8: (view, at, littleEndian) => Number(view.getBigUint64(at, littleEndian)),
  i8: (view, at, littleEndian) => Number(view.getBigInt64(at, littleEndian)),
  f2: readHalf,
  f4: (view, at, littleEndian) => view.getFloat32(at, littleEndian),
  f8: (view, at, littleEndian) => view.getFloat64(at, littleEndian),
};

interface Header {
  /** Of one value. */
  readonly bytes: number;
  readonly read: Read;
  readonly littleEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
}

function readHeader(file: Uint8Array): Header {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const version = file[6] ?? 0;
  const at = version === 1 ? 10 : 12;
  if (file.length < at) throw unexpected('a whole NPY file', `${file.length} bytes`);
  if (version < 1 || version > 3) throw unexpected('NPY of version 1, 2 or 3', `version ${version}`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (at + length > file.length) throw unexpected('a whole NPY file', 'one that ends inside its header');
  const text = Buffer.from(file.buffer, file.byteOffset + at, length).toString('latin1');
  const descr = entry(text, 'descr', /'([<>|=]?\w+)'/) ?? 'a type that is no number';
  const fortran = entry(text, 'fortran_order', /(True|False)/);
  const axes = entry(text, 'shape', /\(([\d, ]*)\)/);
  if (fortran === undefined || axes === undefined)
    throw unexpected("an NPY header with 'descr', 'fortran_order' and 'shape'", 'another');
  const shape = axes
    .split(',')
    .filter((axis) => axis.trim() !== '')
    .map(Number);
  if (shape.length < 2 || shape.length > 3)
    throw unexpected('an array of 2 or 3 axes', `${shape.length}: (${axes})`);
  if (shape.some((axis) => !Number.isSafeInteger(axis) || axis < 1))
    throw unexpected('axes of at least 1', `(${axes})`);
  const type = descr.replace(/^[<>|=]/, '');
  const read = Object.hasOwn(types, type) ? types[type] : undefined;
  if (read === undefined) throw unexpected('booleans, integers or floats of up to 8 bytes', descr);
  return {
    bytes: Number(type.slice(1)),
    read,
    littleEndian: !descr.startsWith('>'),
    fortran: fortran === 'True',
    shape,
    start: at + length,
  };
}

/** What an entry of the header's dictionary holds, where it looks as it should. */
function entry(text: string, name: string, value: RegExp): string | undefined {
  return new RegExp(`'${name}':\\s*${value.source}`).exec(text)?.[1];
}
