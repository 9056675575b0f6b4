// PNG and NPY files for tests, written from their specifications: every colour type, depth, filter and byte order.

import { deflateSync } from 'node:zlib';

const crcTable = Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc >>> 0;
});

export function chunk(type: string, body: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  let crc = 0xffffffff;
  for (const byte of typed) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  const whole = Buffer.alloc(typed.length + 8);
  whole.writeUInt32BE(body.length, 0);
  typed.copy(whole, 4);
  whole.writeUInt32BE(~crc >>> 0, typed.length + 4);
  return whole;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colour: 0 | 2 | 3 | 4 | 6;
  /** Samples of all channels of all pixels, row by row. */
  readonly samples: ArrayLike<number>;
  readonly palette?: readonly number[];
  readonly interlaced?: boolean;
  /** The filter of row n; by default each of the five in turn. */
  readonly filter?: (row: number) => number;
}

const channelsOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
const grid = [[0, 0, 1, 1]] as const;
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function headerOf(width: number, height: number, depth = 8, colour = 0, interlace = 0): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour, 0, 0, interlace], 8);
  return chunk('IHDR', body);
}

/** A PNG file of the chunks given, between signature and end. */
export function pngOf(...chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([signature, ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

export function encodePng(picture: Picture): Buffer {
  const { width, height, depth, colour, palette, interlaced = false } = picture;
  const scanlines = deflateSync(scanlinesOf(picture));
  const half = scanlines.length >> 1;
  return pngOf(
    headerOf(width, height, depth, colour, interlaced ? 1 : 0),
    chunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f])),
    ...(palette ? [chunk('PLTE', Buffer.from(palette))] : []),
    chunk('IDAT', scanlines.subarray(0, half)),
    chunk('IDAT', scanlines.subarray(half)),
  );
}

function scanlinesOf({ width, height, depth, colour, samples, interlaced, filter }: Picture): Buffer {
  const channels = channelsOf[colour];
  const distance = Math.max(1, (channels * depth) / 8);
  const rows: Buffer[] = [];
  for (const [x0, y0, dx, dy] of interlaced ? adam7 : grid) {
    let above: Buffer | undefined;
    for (let y = y0; y < height && x0 < width; y += dy) {
      const values: number[] = [];
      for (let x = x0; x < width; x += dx)
        for (let c = 0; c < channels; c++) values.push(samples[(y * width + x) * channels + c] as number);
      const row = pack(values, depth);
      rows.push(filtered(row, above, distance, filter?.(y) ?? y % 5));
      above = row;
    }
  }
  return Buffer.concat(rows);
}

function pack(values: readonly number[], depth: number): Buffer {
  const bits = values.map((value) => value.toString(2).padStart(depth, '0')).join('');
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
}

function filtered(row: Buffer, above: Buffer | undefined, distance: number, filter: number): Buffer {
  const paeth = (a: number, b: number, c: number): number => {
    const [pa, pb, pc] = [a, b, c].map((near) => Math.abs(a + b - c - near)) as [number, number, number];
    if (pa <= pb && pa <= pc) return a;
    return pb <= pc ? b : c;
  };
  const out = Buffer.from(
    row.map((byte, i) => {
      const a = row[i - distance] ?? 0;
      const b = above?.[i] ?? 0;
      const c = (i >= distance ? above?.[i - distance] : 0) ?? 0;
      return byte - ([0, a, b, Math.floor((a + b) / 2), paeth(a, b, c)][filter] ?? 0);
    }),
  );
  return Buffer.concat([Buffer.from([filter]), out]);
}

/** An NPY file of bytes that are there already. */
export function encodeNpy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  { fortran = false, version = 1 }: { fortran?: boolean; version?: number } = {},
): Buffer {
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  return npyOf(dictionary, data, version);
}

export function npyOf(dictionary: string, data: Uint8Array, version = 1): Buffer {
  const lengthBytes = version === 1 ? 2 : 4;
  const before = 8 + lengthBytes;
  const header = `${dictionary.padEnd(Math.ceil((before + dictionary.length + 1) / 64) * 64 - before - 1)}\n`;
  const start = Buffer.alloc(before);
  start.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  start.writeUIntLE(header.length, 8, lengthBytes);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), data]);
}

/** float32 values as an NPY file. */
export function floatNpy(values: ArrayLike<number>, shape: readonly number[]): Buffer {
  return encodeNpy('<f4', shape, new Uint8Array(Float32Array.from(values).buffer));
}

/** Values from 0 to 1 as a grey PNG of 8 bits. */
export function greyPng(values: ArrayLike<number>, [height = 0, width = 0]: readonly number[]): Buffer {
  const samples = Array.from(values, (value) => Math.round(255 * value));
  return encodePng({ width, height, depth: 8, colour: 0, samples });
}
