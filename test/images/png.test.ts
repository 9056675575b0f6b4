// Every kind of PNG against the samples it was made of, and files that are not what they say.

import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FileError } from '../../src/images/field.js';
import { decodePng } from '../../src/images/png.js';
import { chunk, encodePng, headerOf, type Picture, pngOf } from '../support/files.js';
import { random } from '../support/random.js';

const kinds = [
  ...[1, 2, 4, 8, 16].map((depth) => [0, depth, 1] as const),
  ...[8, 16].map((depth) => [2, depth, 3] as const),
  ...[1, 2, 4, 8].map((depth) => [3, depth, 1] as const),
  ...[8, 16].flatMap((depth) => [[4, depth, 2] as const, [6, depth, 4] as const]),
];
const sizes = [
  [1, 1],
  [3, 5],
  [8, 8],
  [17, 9],
  [33, 2],
] as const;

function picture(colour: number, depth: number, channels: number, width: number, height: number): Picture {
  const source = random(1000 * colour + 100 * depth + width);
  const palette = Array.from({ length: 3 * Math.min(2 ** depth, 256) }, () => source.below(256));
  return {
    width,
    height,
    depth: depth as Picture['depth'],
    colour: colour as Picture['colour'],
    samples: Array.from({ length: width * height * channels }, () => source.below(2 ** depth)),
    ...(colour === 3 ? { palette } : {}),
  };
}

/** Brightness by the rule in docs/betti-command.md. */
function brightness({ samples, depth, colour, palette = [] }: Picture, pixel: number): number {
  const white = 2 ** depth - 1;
  const grey = ([r, g, b]: readonly number[], most: number): number =>
    (0.299 * (r as number) + 0.587 * (g as number) + 0.114 * (b as number)) / most;
  const from = (list: ArrayLike<number>, start: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => list[start + i] as number);
  if (colour === 0) return (samples[pixel] as number) / white;
  if (colour === 4) return (samples[2 * pixel] as number) / white;
  if (colour === 3) return grey(from(palette, 3 * (samples[pixel] as number), 3), 255);
  return grey(from(samples, pixel * (colour === 2 ? 3 : 4), 3), white);
}

describe.each(kinds)('colour type %i of %i bits', (colour, depth, channels) => {
  test.each(sizes)('%i × %i, every filter, interlaced and not', (width, height) => {
    const made = picture(colour, depth, channels, width, height);
    for (const interlaced of [false, true]) {
      for (const filter of [undefined, () => 1, () => 2, () => 3, () => 4]) {
        const file = encodePng({ ...made, interlaced, ...(filter ? { filter } : {}) });
        const { data, shape } = decodePng(file);
        expect(shape).toEqual([height, width]);
        data.forEach((value, i) => {
          expect(value).toBeCloseTo(brightness(made, i), 6);
        });
      }
    }
  });
});

test('greys are exact, whichever way they are stored', () => {
  const samples = Array.from({ length: 256 }, (_, i) => i);
  const shape = { width: 16, height: 16, depth: 8 } as const;
  const expected = Float32Array.from(samples, (value) => value / 255);
  expect(decodePng(encodePng({ ...shape, colour: 0, samples })).data).toEqual(expected);
  const triples = samples.flatMap((value) => [value, value, value]);
  expect(decodePng(encodePng({ ...shape, colour: 2, samples: triples })).data).toEqual(expected);
  expect(decodePng(encodePng({ ...shape, colour: 3, samples, palette: triples })).data).toEqual(expected);
});

describe('a file that is not what it says', () => {
  const rejects = (file: Uint8Array, message: RegExp): void => {
    expect(() => decodePng(file)).toThrow(FileError);
    expect(() => decodePng(file)).toThrow(message);
  };
  const pixels = (bytes: number): Buffer => chunk('IDAT', deflateSync(Buffer.alloc(bytes)));

  test('has a header of impossible values', () => {
    rejects(pngOf(headerOf(0, 5), pixels(10)), /1 to 67108864 pixels but received 0 × 5/);
    rejects(pngOf(headerOf(4, 4, 3), pixels(20)), /type 0 with 3 bits/);
    rejects(pngOf(headerOf(4, 4, 8, 1), pixels(20)), /type 1 with 8 bits/);
    rejects(pngOf(headerOf(4, 4, 16, 3), pixels(36)), /type 3 with 16 bits/);
    rejects(pngOf(headerOf(4, 4, 8, 0, 2), pixels(20)), /interlace 2/);
    rejects(pngOf(pixels(20)), /begins with its header/);
    rejects(pngOf(chunk('IHDR', Buffer.alloc(5))), /header of 13 bytes/);
    rejects(pngOf(chunk('\n\x1b[H', Buffer.alloc(5))), /a nameless chunk at byte 8$/);
  });

  test('has more or fewer pixels than its header says', () => {
    rejects(pngOf(headerOf(4, 4), pixels(19)), /20 bytes of pixels but received 19/);
    rejects(pngOf(headerOf(4, 4), pixels(21)), /20 bytes of pixels but received more/);
    rejects(pngOf(headerOf(4, 4)), /cannot hold them/);
  });

  test('has a filter or a colour that there is not', () => {
    const bad = deflateSync(Buffer.from([5, 0, 0]));
    rejects(pngOf(headerOf(2, 1), chunk('IDAT', bad)), /filter of PNG but received 5/);
    rejects(pngOf(headerOf(2, 1, 8, 3), pixels(3)), /palette of 1 to 256 colours but received none/);
    const two = chunk('PLTE', Buffer.alloc(6));
    const third = chunk('IDAT', deflateSync(Buffer.from([0, 1, 2])));
    rejects(pngOf(headerOf(2, 1, 8, 3), two, third), /colours of the palette but received number 2 of 2/);
  });
});

describe('a hostile file', () => {
  const samples = Array.from({ length: 23 * 11 }, (_, i) => (i * 7) % 256);
  const file = encodePng({ width: 23, height: 11, depth: 8, colour: 0, samples });

  test('that ends anywhere is refused', () => {
    for (let length = 8; length < file.length; length++)
      expect(() => decodePng(file.subarray(0, length)), `${length}`).toThrow(FileError);
  });

  test('with any bit flipped is refused, but for bits nobody reads', () => {
    for (let bit = 8 * 8; bit < 8 * file.length; bit++) {
      const flipped = Buffer.from(file);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodePng(flipped), `bit ${bit}`).toThrow(FileError);
    }
  });

  // Checksums keep the flips above from what is behind them: here they are made to fit.
  test('with any bit of its pixels or its header flipped and the checksums put right never fails otherwise', () => {
    const compressed = deflateSync(
      Buffer.from(Array.from({ length: 24 * 11 }, (_, i) => (i % 24 ? i % 251 : i % 5))),
    );
    const header = headerOf(23, 11).subarray(8, 21);
    let refused = 0;
    const attempt = (head: Uint8Array, body: Uint8Array): void => {
      try {
        expect(decodePng(pngOf(chunk('IHDR', head), chunk('IDAT', body))).data.length).toBeLessThan(1e6);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        refused++;
      }
    };
    const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    for (let bit = 0; bit < 8 * header.length; bit++) attempt(flip(header, bit), compressed);
    for (let bit = 0; bit < 8 * compressed.length; bit++) attempt(header, flip(compressed, bit));
    expect(refused).toBeGreaterThan(1000);
  });

  test('that promises a huge picture costs nothing', () => {
    const before = process.memoryUsage.rss();
    for (const [width, height] of [
      [2 ** 31, 2 ** 31],
      [2 ** 32 - 1, 1],
      [8192, 8192],
      [20_000, 20_000],
    ] as const) {
      const small = pngOf(headerOf(width, height, 16, 6), chunk('IDAT', deflateSync(Buffer.alloc(100))));
      expect(() => decodePng(small)).toThrow(FileError);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(20e6);
  });

  test('that unpacks to far more than its picture is stopped there', () => {
    const bomb = deflateSync(Buffer.alloc(64e6));
    const before = process.memoryUsage.rss();
    expect(() => decodePng(pngOf(headerOf(64, 64), chunk('IDAT', bomb)))).toThrow(/but received more/);
    expect(process.memoryUsage.rss() - before).toBeLessThan(20e6);
  });
});
