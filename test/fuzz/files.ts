// Damaged PNG and NPY files: each is refused with a FileError, or read as a field that is whole and no larger than its
// bytes can explain. Damage is done to bytes, to chunks, whose checksums are then put right, and to what is compressed.
// argv: as for malformed-calls.ts.

import { openSync, writeSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { FileError } from '../../src/images/field.js';
import { decodeNpy, isNpy } from '../../src/images/npy.js';
import { decodePng, isPng } from '../../src/images/png.js';
import { chunk, encodeNpy, headerOf, npyOf, pngOf } from '../support/files.js';
import { type Random, random } from '../support/random.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const tally: Record<string, number> = {};

const mostExpansion = 1032; // of deflate
const odd = [0, 1, 2, 3, 4, 127, 128, 255, 256, 32767, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

const bytesOf = ({ below }: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => below(256)));

/** Some of its bytes are changed, moved, doubled or missing. */
function damage(source: Random, bytes: Uint8Array): Buffer {
  const { below, pick } = source;
  let file = Buffer.from(bytes);
  for (let times = below(4); times > 0 && file.length > 0; times--) {
    const at = below(file.length);
    const length = 1 + below(Math.min(16, file.length - at));
    const [before, part, after] = [
      file.subarray(0, at),
      file.subarray(at, at + length),
      file.subarray(at + length),
    ];
    file = Buffer.concat(
      pick([
        () => [before, part.map((byte) => byte ^ (1 << below(8))), after],
        () => [before, bytesOf(source, length), after],
        () => [before, part, part, after],
        () => [before, after],
        () => [before],
        () => [before, part, bytesOf(source, below(40)), after],
      ])(),
    );
  }
  return file;
}

function png(source: Random): Buffer {
  const { below, pick } = source;
  const size = (): number => (below(12) ? 1 + below(20) : pick(odd));
  const [width, height] = [size(), size()];
  const depth = below(12) ? pick([1, 2, 4, 8, 16]) : below(256);
  const colour = below(12) ? pick([0, 2, 3, 4, 6]) : below(256);
  const channels = { 2: 3, 4: 2, 6: 4 }[colour] ?? 1;
  const interlaced = below(4) === 0;
  const rowBytes = 1 + Math.ceil((width * channels * depth) / 8);
  const right = rowBytes * height + (interlaced ? below(20) : 0);
  const pixels = bytesOf(source, right < 1e5 && below(8) ? right : below(500));
  if (!interlaced) for (let at = 0; at < pixels.length; at += rowBytes) pixels[at] = below(5);
  const compressed = deflateSync(pixels);
  const parts: [string, Uint8Array][] = [
    ['IHDR', headerOf(width, height, depth, colour, Number(interlaced)).subarray(8, 21)],
    ['PLTE', bytesOf(source, 3 * (1 + below(256)))],
    ['IDAT', below(3) ? compressed : damage(source, compressed)],
  ];
  for (let times = below(3); times > 0; times--) {
    const which = below(parts.length);
    const [name, body] = parts[which] as [string, Uint8Array];
    parts[which] = [
      below(8) ? name : pick(['IHDR', 'IDAT', 'IEND', 'PLTE', 'abcd', 'tRNS']),
      damage(source, body),
    ];
    if (below(6) === 0) parts.splice(below(parts.length), 1);
    if (below(6) === 0) parts.splice(below(parts.length), 0, [name, body]);
  }
  const file = pngOf(...parts.map(([name, body]) => chunk(name, body)));
  return below(4) ? file : Buffer.concat([file.subarray(0, 8), damage(source, file.subarray(8))]);
}

function npy(source: Random): Buffer {
  const { below, pick } = source;
  const shape = Array.from({ length: below(10) ? 2 + below(2) : below(6) }, () =>
    below(10) ? 1 + below(9) : pick(odd),
  );
  const bytes = pick([1, 2, 4, 8]);
  const size = bytes * shape.reduce((a, b) => a * b, 1);
  const data = bytesOf(source, size < 1e5 && below(6) ? size : below(300));
  const descr = `${pick(['<', '>', '|', '='])}${pick(['b', 'u', 'i', 'f', 'c'])}${below(9) ? bytes : below(20)}`;
  const file = encodeNpy(descr, shape, data, {
    fortran: below(2) === 0,
    version: below(9) ? 1 + below(3) : below(256),
  });
  if (below(3)) return file;
  if (below(2)) return Buffer.concat([file.subarray(0, 6), damage(source, file.subarray(6))]);
  const text = damage(
    source,
    Buffer.from(`{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`),
  );
  return npyOf(text.toString('latin1'), data, 1 + below(3));
}

/** What is wrong with how a file ended. */
function judge(file: Buffer): string | undefined {
  const kind = isPng(file) ? 'png' : isNpy(file) ? 'npy' : 'neither';
  if (kind === 'neither') return 'the signature was not left alone';
  const rss = process.memoryUsage.rss();
  try {
    const { data, shape } = kind === 'png' ? decodePng(file) : decodeNpy(file);
    tally[kind] = (tally[kind] ?? 0) + 1;
    const size = shape.reduce((a, b) => a * b, 1);
    if (size !== data.length) return `${data.length} values of [${shape}]`;
    if (size > 8 * mostExpansion * file.length) return `${size} values out of ${file.length} bytes`;
    if (kind === 'png' && !data.every((value) => value >= 0 && value <= 1))
      return 'a brightness that is none';
  } catch (error) {
    if (!(error instanceof FileError)) return `an error that is no FileError: ${(error as Error)?.stack}`;
    if (!/^Expected .+ but received .+/s.test(error.message)) return `no sentence: ${error.message}`;
    tally.refused = (tally.refused ?? 0) + 1;
  }
  const grown = process.memoryUsage.rss() - rss;
  return grown > 64e6 + 9 * mostExpansion * file.length ? `${grown} bytes for ${file.length}` : undefined;
}

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const source = random(seed);
  const file = source.below(2) ? png(source) : npy(source);
  const verdict = judge(file);
  if (verdict === undefined) continue;
  console.log(`seed ${seed}: ${verdict}\n${file.toString('hex')}`);
  process.exit(71);
}
tally.answers = (tally.png ?? 0) + (tally.npy ?? 0);
delete tally.png;
delete tally.npy;
console.log(JSON.stringify(tally));
