// PNG (ISO/IEC 15948) as a field of brightness from 0 to 1: every colour type and depth, interlaced or not. Colours count
// by their luma (Rec. 601, as grey pictures are usually made of colours); alpha, gamma and other annotations do not.
//
// Nothing is allocated on the word of a header alone: a picture must be no larger than deflate could have made of the
// bytes at hand, and than `mostPixels`.

import { inflateSync } from 'node:zlib';
import { type Field, FileError, unexpected } from './field.js';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const mostPixels = 2 ** 26; // 8192 × 8192: a bomb of one black picture stays below 256 MiB
const mostExpansion = 1032; // deflate: at best 258 bytes for two bits

export function isPng(file: Uint8Array): boolean {
  return signature.every((byte, i) => file[i] === byte);
}

export function decodePng(file: Uint8Array): Field {
  const { header, palette, compressed } = readChunks(file);
  const { width, height } = header;
  const passes = passesOf(header);
  const bytes = passes.reduce((sum, pass) => sum + pass.height * (1 + pass.rowBytes), 0);
  if (bytes > compressed.length * mostExpansion)
    throw unexpected(
      `image data for ${width} × ${height} pixels`,
      `${compressed.length} bytes, which cannot hold them`,
    );
  const scanlines = inflate(compressed, bytes);
  const brightness = brightnessOf(header, palette);
  const data = new Float32Array(width * height);
  let start = 0;
  for (const pass of passes) {
    unfilter(scanlines, start, pass, Math.max(1, (header.channels * header.depth) >> 3));
    for (let row = 0; row < pass.height; row++) {
      const samples = start + row * (1 + pass.rowBytes) + 1;
      const to = (pass.y + row * pass.stepY) * width + pass.x;
      for (let i = 0; i < pass.width; i++) data[to + i * pass.stepX] = brightness(scanlines, samples, i);
    }
    start += pass.height * (1 + pass.rowBytes);
  }
  return { data, shape: [height, width] };
}

// ── chunks ──

interface Chunks {
  readonly header: Header;
  /** Red, green, blue of each colour. */
  readonly palette: Uint8Array | undefined;
  readonly compressed: Uint8Array;
}

function readChunks(file: Uint8Array): Chunks {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  const compressed: Uint8Array[] = [];
  for (let at = signature.length; ; ) {
    if (at + 12 > file.length) throw unexpected('a whole PNG file', 'one that ends before its last chunk');
    const length = view.getUint32(at);
    const end = at + 8 + length;
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (!/^[a-z]{4}$/i.test(type))
      throw unexpected('a sound PNG file', `one with a nameless chunk at byte ${at}`);
    if (end + 4 > file.length) throw unexpected('a whole PNG file', `one that ends inside a chunk`);
    if (crc32(file.subarray(at + 4, end)) !== view.getUint32(end))
      throw unexpected('a sound PNG file', `one with a damaged chunk at byte ${at}`);
    const body = file.subarray(at + 8, end);
    if (header === undefined) {
      if (type !== 'IHDR') throw unexpected('a PNG file that begins with its header', `chunk '${type}'`);
      header = readHeader(body);
    } else if (type === 'PLTE') palette = body;
    else if (type === 'IDAT') compressed.push(body);
    else if (type === 'IEND') return { header, palette, compressed: Buffer.concat(compressed) };
    at = end + 4;
  }
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: Colour;
  readonly channels: number;
  readonly interlaced: boolean;
}

/** By the number that stands for the colour type in the file. */
const colours = {
  0: { name: 'grey', channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { name: 'rgb', channels: 3, depths: [8, 16] },
  3: { name: 'palette', channels: 1, depths: [1, 2, 4, 8] },
  4: { name: 'grey', channels: 2, depths: [8, 16] },
  6: { name: 'rgb', channels: 4, depths: [8, 16] },
} as const;
type Colour = (typeof colours)[keyof typeof colours]['name'];

function readHeader(body: Uint8Array): Header {
  if (body.length !== 13) throw unexpected('a PNG header of 13 bytes', `${body.length}`);
  const view = new DataView(body.buffer, body.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, type, compression, filters, interlace] = body.subarray(8) as Uint8Array & number[];
  const colour = colours[type as keyof typeof colours];
  if (colour === undefined || !(colour.depths as readonly number[]).includes(depth as number))
    throw unexpected('a colour type and depth of PNG', `type ${type} with ${depth} bits`);
  if (compression !== 0 || filters !== 0 || (interlace as number) > 1)
    throw unexpected(
      'the methods of PNG',
      `compression ${compression}, filter ${filters}, interlace ${interlace}`,
    );
  if (width === 0 || height === 0 || width * height > mostPixels)
    throw unexpected(`a PNG of 1 to ${mostPixels} pixels`, `${width} × ${height}`);
  const { name, channels } = colour;
  return { width, height, depth: depth as number, colour: name, channels, interlaced: interlace === 1 };
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function inflate(compressed: Uint8Array, bytes: number): Uint8Array {
  let scanlines: Uint8Array;
  try {
    // a chunk that holds everything is not copied into a larger one
    scanlines = inflateSync(compressed, { maxOutputLength: bytes, chunkSize: Math.max(64, bytes + 1) });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw unexpected(
      `${bytes} bytes of pixels`,
      code === 'ERR_BUFFER_TOO_LARGE' ? 'more' : `damaged ones (${message})`,
    );
  }
  if (scanlines.length !== bytes) throw unexpected(`${bytes} bytes of pixels`, `${scanlines.length}`);
  return scanlines;
}

// ── pixels ──

/** A picture, or one of the seven that an interlaced one consists of. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
}

const whole = [[0, 0, 1, 1]] as const;
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passesOf(header: Header): Pass[] {
  const passes = (header.interlaced ? adam7 : whole).map(([x, y, stepX, stepY]) => {
    const width = Math.ceil((header.width - x) / stepX);
    const height = Math.ceil((header.height - y) / stepY);
    const rowBytes = Math.ceil((width * header.channels * header.depth) / 8);
    return { x, y, stepX, stepY, width, height, rowBytes };
  });
  return passes.filter(({ width, height }) => width > 0 && height > 0);
}

/** Undoes the filter of each row in place; `distance` is that of a byte to the one it is predicted from. */
function unfilter(bytes: Uint8Array, start: number, { height, rowBytes }: Pass, distance: number): void {
  for (let row = 0; row < height; row++) {
    const first = start + row * (1 + rowBytes) + 1;
    const filter = bytes[first - 1] as number;
    if (filter > 4) throw unexpected('a row filter of PNG', `${filter}`);
    if (filter === 0) continue;
    for (let i = 0; i < rowBytes; i++) {
      const at = first + i;
      const left = i >= distance ? (bytes[at - distance] as number) : 0;
      const above = row > 0 ? (bytes[at - 1 - rowBytes] as number) : 0;
      const corner = row > 0 && i >= distance ? (bytes[at - 1 - rowBytes - distance] as number) : 0;
      const guess =
        filter === 1
          ? left
          : filter === 2
            ? above
            : filter === 3
              ? (left + above) >> 1
              : nearest(left, above, corner);
      bytes[at] = (bytes[at] as number) + guess;
    }
  }
}

/** Paeth 1991: whichever of the three is nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const [a, b, c] = [
    Math.abs(above - corner),
    Math.abs(left - corner),
    Math.abs(left + above - 2 * corner),
  ] as const;
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** The brightness of pixel i of the row whose samples begin at `row`. */
type Brightness = (bytes: Uint8Array, row: number, i: number) => number;

function brightnessOf({ depth, colour, channels }: Header, palette: Uint8Array | undefined): Brightness {
  const sample = (bytes: Uint8Array, row: number, n: number): number => {
    if (depth === 8) return bytes[row + n] as number;
    if (depth === 16) return ((bytes[row + 2 * n] as number) << 8) | (bytes[row + 2 * n + 1] as number);
    const bit = n * depth;
    return ((bytes[row + (bit >> 3)] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  };
  const white = 2 ** depth - 1;
  if (colour === 'grey') return (bytes, row, i) => sample(bytes, row, i * channels) / white;
  if (colour === 'rgb') {
    return (bytes, row, i) => {
      const first = i * channels;
      const red = sample(bytes, row, first);
      return luma(red, sample(bytes, row, first + 1), sample(bytes, row, first + 2), white);
    };
  }
  if (palette === undefined || palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768)
    throw unexpected('a palette of 1 to 256 colours', palette ? `${palette.length} bytes` : 'none');
  const shades = Array.from({ length: palette.length / 3 }, (_, n) =>
    luma(...(palette.subarray(3 * n, 3 * n + 3) as unknown as [number, number, number]), 255),
  );
  return (bytes, row, i) => {
    const shade = shades[sample(bytes, row, i)];
    if (shade === undefined)
      throw new FileError(
        `Expected colours of the palette but received number ${sample(bytes, row, i)} of ${shades.length}`,
      );
    return shade;
  };
}

/** In integers up to the division, so that a grey of any shade is that shade exactly. */
function luma(red: number, green: number, blue: number, white: number): number {
  return (299 * red + 587 * green + 114 * blue) / (1000 * white);
}
