// `node docs/pictures/make.mjs`: draws the pictures of the guides, from what the library itself computes.
import { writeFileSync } from 'node:fs';
import { bettiMatchingSync, bettiNumbersSync, persistenceSync, tensor } from 'cutloss';

const SIZE = 28;
const CELL = 5;
const WIDE = SIZE * CELL;
const SHORT = 0.1; // bars of pixels, not of shapes
const colors = ['#1668dc', '#d9480f'];

const shape = [1, SIZE, SIZE];
const field = (value) =>
  Float32Array.from({ length: SIZE * SIZE }, (_, i) => value(Math.floor(i / SIZE), i % SIZE));

/** A ring around a point, bright where it is clear and dim at the angle where it has a gap. */
function ring(row, column, radius, gap = 0, angle = 0) {
  return (y, x) => {
    const off = Math.abs(Math.hypot(y - row, x - column) - radius);
    const turn = Math.abs(Math.sin((Math.atan2(y - row, x - column) - angle) / 2));
    return Math.exp(-((off / 1.7) ** 2)) * (1 - gap * Math.exp(-((turn / 0.2) ** 2)));
  };
}
const blob = (row, column, radius) => (y, x) =>
  Math.exp(-(Math.hypot(y - row, x - column) ** 2) / radius ** 2);
const brightest = (...parts) => field((y, x) => Math.max(...parts.map((part) => part(y, x))));

/** In steps of an eighth, so that neighbours are often alike. */
const grey = (value) => {
  const level = Math.min(255, 32 * (8 - Math.round(8 * Math.min(1, Math.max(0, value)))));
  return level === 255 ? undefined : `rgb(${level},${level},${level})`;
};

/** Runs of pixels of a colour are one rectangle; those without one are paper. */
function picture(values, left, top, color = grey) {
  const colors = Array.from(values, color);
  const runs = [];
  for (const [i, fill] of colors.entries()) {
    const goes = i % SIZE > 0 && colors[i - 1] === fill;
    if (goes) runs.at(-1).length += 1;
    else runs.push({ row: Math.floor(i / SIZE), column: i % SIZE, length: 1, fill });
  }
  const cells = runs
    .filter(({ fill }) => fill)
    .map(
      ({ row, column, length, fill }) =>
        `<rect x="${left + column * CELL}" y="${top + row * CELL}" width="${length * CELL}" height="${CELL}" fill="${fill}"/>`,
    );
  const frame = `<rect x="${left}" y="${top}" width="${WIDE}" height="${WIDE}" fill="none" stroke="#9aa4b0"/>`;
  return `<g shape-rendering="crispEdges">${cells.join('')}</g>${frame}`;
}

const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${words}</text>`;

function save(name, title, width, height, body) {
  const style = 'text{font:12px system-ui,sans-serif;fill:#3b4654}.title{font-weight:600}';
  const page = `<rect width="${width}" height="${height}" rx="8" fill="#fff"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><title>${title}</title><style>${style}</style>${page}${body}</svg>\n`;
  writeFileSync(new URL(name, import.meta.url), svg);
}

const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

/** A field, what is brighter than a falling threshold, and its bars. */
function filtration() {
  const values = brightest(ring(12, 11, 7.5, 0.5, -0.6), blob(21, 22, 2.6));
  const thresholds = [0.8, 0.4, 0.1];
  const parts = [text(16, 24, 'the field', 'class="title"'), picture(values, 16, 34)];
  for (const [k, threshold] of thresholds.entries()) {
    const left = 16 + (k + 1) * (WIDE + 22);
    const [[components, holes]] = bettiNumbersSync(tensor(values, shape), { threshold });
    parts.push(text(left, 24, `brighter than ${threshold}`, 'class="title"'));
    parts.push(picture(values, left, 34, (value) => (value > threshold ? '#26323f' : undefined)));
    parts.push(text(left, 34 + WIDE + 18, `${plural(components, 'component')}, ${plural(holes, 'hole')}`));
  }
  const [dimensions] = persistenceSync(tensor(values, shape));
  const left = 16 + 4 * (WIDE + 22);
  const at = (value) => left + (1 - value) * WIDE;
  parts.push(text(left, 24, 'bars', 'class="title"'));
  let y = 50;
  for (const [dimension, { birth, death }] of dimensions.entries()) {
    for (const [i, born] of birth.entries()) {
      if (born - death[i] < SHORT) continue;
      parts.push(
        `<line x1="${at(born)}" x2="${at(death[i])}" y1="${y}" y2="${y}" stroke="${colors[dimension]}" stroke-width="5"/>`,
      );
      y += 13;
    }
  }
  parts.push(text(left, y + 12, 'components', `style="fill:${colors[0]}"`));
  parts.push(text(left + 80, y + 12, 'holes', `style="fill:${colors[1]}"`));
  parts.push(text(left, 34 + WIDE + 18, 'bright'));
  parts.push(text(left + WIDE, 34 + WIDE + 18, 'dark', 'text-anchor="end"'));
  save(
    'filtration.svg',
    'A field at three thresholds, and its bars',
    left + WIDE + 16,
    34 + WIDE + 34,
    parts.join(''),
  );
}

/** Two fields with a hole each, at the same place and apart: only the first two match. */
function matching() {
  const target = brightest(ring(14, 9, 6));
  const cases = [
    ['at the same place', brightest(ring(13, 10, 6.5, 0.3, 0.5))],
    ['at another place', brightest(ring(14, 20, 5, 0.3, 0.5))],
    ['with a gap', brightest(ring(14, 9, 6, 1, 0.5))],
  ];
  const parts = [text(16, 24, 'target', 'class="title"'), picture(target, 16, 34)];
  for (const [k, [title, prediction]] of cases.entries()) {
    const left = 16 + (k + 1) * (WIDE + 48);
    const { loss, grads, pairs } = bettiMatchingSync(
      { prediction: tensor(prediction, shape), target: tensor(target, shape) },
      { grads: true, outputs: ['pairs'], dimensions: [1] },
    );
    const holes = pairs[0].at(-1);
    const slopes = grads.prediction.dataSync();
    parts.push(text(left, 24, title, 'class="title"'), picture(prediction, left, 34));
    for (const [i, slope] of slopes.entries()) {
      if (Math.abs(slope) < 0.05) continue;
      const [x, y] = [left + ((i % SIZE) + 0.5) * CELL, 34 + (Math.floor(i / SIZE) + 0.5) * CELL];
      const color = slope < 0 ? '#2b8a3e' : '#e03131';
      parts.push(`<circle cx="${x}" cy="${y}" r="5" fill="none" stroke="${color}" stroke-width="2.5"/>`);
    }
    const count = ({ birth }) => birth.length;
    const counts = [holes.matched.prediction, holes.unmatchedPrediction, holes.unmatchedTarget].map(count);
    parts.push(text(left, 34 + WIDE + 18, `loss ${loss.toFixed(2)}: ${counts[0]} matched,`));
    parts.push(text(left, 34 + WIDE + 34, `${counts[1]} too many, ${counts[2]} missed`));
  }
  save(
    'matching.svg',
    'Fields and the holes that match',
    16 + 4 * (WIDE + 48),
    34 + WIDE + 48,
    parts.join(''),
  );
}

/** What each engine never builds, drawn dashed at its size beside what it reads and writes. */
function never() {
  const box = (x, y, width, height, fill, words = '', more = '') =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="2" fill="${fill}" ${more}/>` +
    text(x + width / 2, y + height / 2 + 4, words, 'text-anchor="middle"');
  const ghost = (x, y, width, height) =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="3" fill="none" stroke="#d9480f" stroke-width="1.6" stroke-dasharray="6 4"/>`;
  const [read, made] = ['#cfe0fb', '#c9ead0'];
  const parts = [];

  parts.push(text(24, 30, 'rows', 'class="title"'));
  parts.push(box(24, 62, 26, 70, read), text(37, 148, 'hidden', 'text-anchor="middle"'));
  parts.push(box(72, 44, 190, 12, read), text(72, 38, 'classifier: a row per word'));
  parts.push(ghost(72, 62, 190, 70), box(118, 80, 22, 18, made));
  parts.push(text(167, 120, 'logits', 'text-anchor="middle" style="fill:#d9480f"'));
  parts.push(
    text(24, 172, '1024 rows × 256,000 words: 1 GB,'),
    text(24, 188, 'and as much again for its gradient'),
  );

  parts.push(text(300, 30, 'regions', 'class="title"'));
  for (let k = 3; k >= 0; k--) parts.push(box(300 + 9 * k, 74 - 9 * k, 62, 62, read, '', 'stroke="#fff"'));
  for (let k = 3; k >= 0; k--) parts.push(ghost(410 + 9 * k, 74 - 9 * k, 62, 62));
  parts.push(box(318, 92, 18, 18, made), text(331, 152, 'logits', 'text-anchor="middle"'));
  parts.push(text(450, 152, 'one-hot, softmax, product', 'text-anchor="middle" style="fill:#d9480f"'));
  parts.push(text(300, 172, '4 × 19 × 512 × 1024: 152 MiB'), text(300, 188, 'each, three times over'));

  parts.push(text(560, 30, 'topology', 'class="title"'));
  const center = [592, 96];
  parts.push(
    `<circle cx="${center[0]}" cy="${center[1]}" r="24" fill="none" stroke="${read}" stroke-width="12"/>`,
  );
  parts.push(text(592, 148, 'field', 'text-anchor="middle"'));
  parts.push(ghost(650, 48, 90, 90));
  for (let i = 0; i < 26; i++) {
    const [x, y] = [654 + ((i * 37) % 80), 52 + ((i * 53) % 80)];
    parts.push(`<rect x="${x}" y="${y}" width="4" height="4" fill="#f3c3ad"/>`);
  }
  parts.push(box(676, 84, 18, 18, made));
  parts.push(text(695, 152, 'boundary matrix', 'text-anchor="middle" style="fill:#d9480f"'));
  parts.push(text(560, 172, '64³ voxels: 2 million cells,'), text(560, 188, 'a column for each'));

  const label = (x, fill, words) => box(x, 206, 11, 11, fill) + text(x + 17, 216, words);
  parts.push(label(24, read, 'read where it lies'), label(170, made, 'what is there at a time'));
  parts.push(ghost(352, 205, 14, 12), text(373, 216, 'never built'));
  save('never-built.svg', 'What is never built', 770, 234, parts.join(''));
}

filtration();
matching();
never();
