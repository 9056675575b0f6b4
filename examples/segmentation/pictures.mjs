// Pictures side by side: in the terminal, two rows of pixels in a line of text, and as a PNG.
import { crc32, deflateSync } from 'node:zlib';

/** What is above 0.5 is drawn. */
export function draw(pictures, size) {
  for (let row = 0; row < size; row += 2) {
    const line = (picture) =>
      Array.from({ length: size }, (_, column) => {
        const above = picture[row * size + column] > 0.5;
        const below = picture[(row + 1) * size + column] > 0.5;
        return ' ▀▄█'[Number(above) + 2 * Number(below)];
      }).join('');
    console.log(`  ${pictures.map(line).join('  ')}`.trimEnd());
  }
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A grey PNG of rows of pictures with values in [0, 1], each pixel `zoom` × `zoom` large. */
export function png(rows, size, zoom = 3) {
  const cell = (size + 2) * zoom;
  const width = rows[0].length * cell;
  const height = rows.length * cell;
  const lines = Buffer.alloc(height * (width + 1), 128); // a filter byte and grey pixels each
  for (let y = 0; y < height; y++) {
    lines[y * (width + 1)] = 0;
    for (let x = 0; x < width; x++) {
      const picture = rows[Math.floor(y / cell)][Math.floor(x / cell)];
      const [row, column] = [y, x].map((at) => Math.floor((at % cell) / zoom));
      if (row >= size || column >= size) continue;
      const value = Math.min(1, Math.max(0, picture[row * size + column]));
      lines[y * (width + 1) + 1 + x] = Math.round(255 * value);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits of grey
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
