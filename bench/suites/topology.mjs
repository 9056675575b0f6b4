// bettiMatching with its gradient, and persistence, on fields of the sizes at which Betti matching is trained. The peer
// is Betti-Matching-3D, which computes the matching alone (`--peer betti_matching` and a Python that can import it).
// On one thread it is CPU time that counts, for both; on two the time until the result is there. `--shape
// 256x256,64x64x64 --data noise`: these alone; `--filtration sublevel`: dark first, which is another problem: the mask is
// then what is there last.
//
//   noise      uniform, nothing equal; the target is whether other noise is above 0.5: the most features there can be
//   smooth     noise blurred three times by a box of seven, stretched to [0, 1], which is what networks give; the target
//              is whether another such field is above 0.5
//   untrained  noise, and the target of smooth
//   masks      the target of smooth, and another
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bettiMatchingSync, persistenceSync, prepareTargetSync, setThreads } from 'cutloss';
import { figure, median } from '../table.mjs';
import { takeTurn } from '../turns.mjs';

const sizes = {
  full: [
    [256, 256],
    [512, 512],
    [1024, 1024],
    [32, 32, 32],
    [64, 64, 64],
    [96, 96, 96],
    [128, 128, 128],
  ],
  small: [
    [64, 64],
    [16, 16, 16],
  ],
};

/** mulberry32: the same fields on every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const count = (shape) => shape.reduce((a, b) => a * b, 1);
const noise = (shape, seed) => Float32Array.from({ length: count(shape) }, random(seed));

function blurred(field, shape, axis) {
  const stride = count(shape.slice(axis + 1));
  return field.map((_, i) => {
    const at = Math.floor(i / stride) % shape[axis];
    const from = Math.max(0, at - 3);
    const to = Math.min(shape[axis] - 1, at + 3);
    let sum = 0;
    for (let x = from; x <= to; x++) sum += field[i + (x - at) * stride];
    return sum / (to - from + 1);
  });
}

function smooth(shape, seed) {
  let field = noise(shape, seed);
  for (let pass = 0; pass < 3; pass++) for (const axis of shape.keys()) field = blurred(field, shape, axis);
  const low = field.reduce((a, b) => Math.min(a, b));
  const high = field.reduce((a, b) => Math.max(a, b));
  return field.map((value) => (value - low) / (high - low));
}

const maskOf = (fill) => (shape, seed) => fill(shape, seed).map((value) => Number(value > 0.5));

const kinds = {
  noise: { prediction: noise, target: maskOf(noise) },
  smooth: { prediction: smooth, target: maskOf(smooth) },
  untrained: { prediction: noise, target: maskOf(smooth) },
  masks: { prediction: maskOf(smooth), target: maskOf(smooth) },
};

/** A batch of predictions and their targets. */
export function inputs(kind, shape, batch) {
  const fields = (fill, seed) => {
    const data = new Float32Array(batch * count(shape));
    for (let item = 0; item < batch; item++) data.set(fill(shape, seed + 100 * item), item * count(shape));
    return { data, shape: [batch, ...shape] };
  };
  return { prediction: fields(kinds[kind].prediction, 9), target: fields(kinds[kind].target, 5) };
}

function elapsed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function cpuTime(work) {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** The most memory that a fresh process needs for a call beyond its inputs and gradient, per voxel. */
function bytesPerVoxel(threads, shape, kind, filtration) {
  const child = fileURLToPath(new URL('../topology-memory-child.mjs', import.meta.url));
  const args = ['--expose-gc', child, threads, kind, filtration, ...shape];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(result.stderr);
  return Number(result.stdout) / count(shape);
}

/** The columns: each a function that works once and says how many milliseconds it took. */
function worksOf(one, eight, filtration) {
  const on = (threads, clock, work) => () => {
    setThreads(threads);
    return clock(work);
  };
  const matching = (fields) => () => bettiMatchingSync(fields, { grads: true, filtration });
  const prepared = { ...one, target: prepareTargetSync(one.target, { filtration }) };
  return {
    '1 thread, ms': on(1, cpuTime, matching(one)),
    prepared: on(1, cpuTime, matching(prepared)),
    '2 threads': on(2, elapsed, matching(one)),
    ...(eight && {
      '8 fields': on(1, cpuTime, matching(eight)),
      '8, 2 threads': on(2, elapsed, matching(eight)),
    }),
    persistence: on(1, cpuTime, () => persistenceSync(one.prediction, { filtration })),
  };
}

export async function topologySuite({
  peers,
  rounds,
  small,
  shape: chosen,
  data,
  filtration = 'superlevel',
}) {
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-bench-'));
  const table = [];
  try {
    const shapes = chosen
      ? chosen.split(',').map((each) => each.split('x').map(Number))
      : sizes[small ? 'small' : 'full'];
    for (const shape of shapes) {
      for (const kind of data?.split(',') ?? Object.keys(kinds)) {
        const slow = shape.length === 3 && count(shape) > 500_000;
        const one = inputs(kind, shape, 1);
        const works = worksOf(one, slow ? undefined : inputs(kind, shape, 8), filtration);
        const files = Object.entries(one).map(([name, { data }]) => {
          const file = join(folder, name);
          writeFileSync(file, data);
          return file;
        });
        const times = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
        const theirs = peers.map(() => []);
        const theirBytes = [];
        for (let round = 0; round < (slow ? 1 : rounds); round++) {
          for (const [name, work] of Object.entries(works)) times[name].push(await takeTurn(work));
          for (const [i, peer] of peers.entries()) {
            const fieldFiles = { shape, filtration, prediction: files[0], target: files[1] };
            const answer = await takeTurn(() => peer.run(fieldFiles));
            theirs[i].push(1000 * answer.seconds);
            theirBytes[i] = answer.bytes;
          }
        }
        const row = { shape: shape.join(' × '), fields: kind, filtration };
        for (const [name, values] of Object.entries(times)) row[name] = median(values).toFixed(1);
        const bytes = [1, 2].map((threads) => bytesPerVoxel(threads, shape, kind, filtration));
        row['bytes/voxel, 1 and 2 threads'] = bytes.map((each) => each.toFixed(0)).join(' ');
        for (const [i, peer] of peers.entries()) {
          row[`${peer.name} ms`] = median(theirs[i]).toFixed(0);
          row['times as fast'] = (median(theirs[i]) / median(times['1 thread, ms'])).toFixed(1);
        }
        const dark = filtration === 'superlevel' ? '' : `${filtration}, `;
        const title = `${shape.length}-D, ${kind}, ${dark}one thread`;
        row.figure = figure(title, count(shape), 'voxels', [
          ['cutloss', median(times['1 thread, ms']), (bytes[0] + 4) * count(shape)],
          ...peers.map(({ name }, i) => [name, median(theirs[i]), theirBytes[i]]),
        ]);
        table.push(row);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return table;
}
