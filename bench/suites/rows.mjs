// cutCrossEntropy beside the usual way, logits = hidden · classifierᵀ and then cross-entropy: bound by arithmetic, so held
// against GFLOP/s (2 NVD forward, 6 NVD with both gradients) and against the peer's bare product of the same shape.
//
// Data is like that of a trained model: a word's row of the classifier has length one; hidden points to its target by as
// much as makes the target's probability 0.6 on average over rows, with noise that gives the other logits a deviation of 2.
import { cutCrossEntropySync, tensor, toBFloat16, zeros } from 'cutloss';
import { extraMemory } from '../memory.mjs';
import { median } from '../table.mjs';

const shapes = {
  full: [
    [1024, 768, 50304],
    [4096, 768, 50304],
    [2048, 2048, 32000],
    [512, 4096, 128256],
  ],
  small: [[256, 64, 4000]],
};
const eps = 2 ** -12;

const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
/** A long stretch of normal numbers, read from anywhere: making 10⁸ of them would take longer than the bench. */
const stretch = Float32Array.from({ length: 1048573 }, normal);

export function makeInputs([rows, dim, classes], dtype) {
  const hidden = new Float32Array(rows * dim);
  const classifier = new Float32Array(classes * dim);
  for (let i = 0; i < classifier.length; i++) classifier[i] = stretch[i % stretch.length] / Math.sqrt(dim);
  const targets = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const target = Math.floor(Math.random() * classes);
    targets[row] = target;
    // log V + 2² / 2 is the other words' log-sum-exp; an offset of 0.86 ± 3 from it makes 0.6 on average
    const pull = Math.log(classes) + 2 + 0.86 + 3 * normal();
    for (let k = 0; k < dim; k++) {
      hidden[row * dim + k] =
        pull * classifier[target * dim + k] + 2 * stretch[(row * dim + k + 7919) % stretch.length];
    }
  }
  const stored = (values) => (dtype === 'float32' ? values : toBFloat16(values));
  return {
    hidden: tensor(stored(hidden), [rows, dim], dtype),
    classifier: tensor(stored(classifier), [classes, dim], dtype),
    targets: { data: targets, shape: [rows] },
  };
}

/** The calls that are measured, by name. */
export const works = {
  forward: { products: 1, options: {} },
  'loss + gradients': { products: 3, gradient: true, options: { grads: true } },
  'filtered, eps 2⁻¹²': {
    products: 3,
    gradient: true,
    options: { grads: true, gradientFilter: { hidden: true, classifier: true, eps } },
  },
};

/** Gradients go to memory that is kept, as a training loop does; the peer's are kept by its allocator. */
export function call(work, inputs, out) {
  const { options, gradient } = works[work];
  return cutCrossEntropySync(inputs, gradient ? { ...options, out } : options);
}

export function makeOut([rows, dim, classes], dtype) {
  return { hidden: zeros([rows, dim], dtype), classifier: zeros([classes, dim], dtype) };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

function seconds(run) {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}

export async function rowsSuite({ peers, rounds, small, shape: only }) {
  const table = [];
  const chosen = (small ? shapes.small : shapes.full).filter(
    (shape) => only === undefined || shape.join('x') === only,
  );
  for (const shape of chosen) {
    const [rows, dim, classes] = shape;
    for (const dtype of ['float32', 'bfloat16']) {
      const inputs = makeInputs(shape, dtype);
      const out = makeOut(shape, dtype);
      const work = { suite: 'rows', rows, dim, classes, dtype };
      const products = peers.map(() => []);
      for (const [name, { products: count, gradient = false }] of Object.entries(works)) {
        const ours = [];
        const theirs = peers.map(() => []);
        const { keptTiles } = call(name, inputs, out);
        for (const peer of peers) await peer.run({ ...work, gradient });
        for (let round = 0; round < rounds; round++) {
          await pause();
          ours.push(seconds(() => call(name, inputs, out)));
          for (const [i, peer] of peers.entries()) {
            await pause();
            const reply = await peer.run({ ...work, gradient });
            theirs[i].push(reply.seconds);
            products[i].push(reply.productSeconds);
          }
        }
        const time = median(ours);
        const row = {
          shape: `${rows}×${dim}×${classes}`,
          dtype,
          work: name,
          ms: (time * 1000).toFixed(1),
          'GFLOP/s': ((2 * count * rows * dim * classes) / time / 1e9).toFixed(0),
          'extra MiB': (extraMemory('cut-memory-child', name, dtype, ...shape) / 2 ** 20).toFixed(1),
          'kept tiles': keptTiles === undefined ? '–' : `${(100 * keptTiles).toFixed(1)} %`,
        };
        for (const [i, peer] of peers.entries()) {
          const theirTime = median(theirs[i]);
          const product = median(products[i]);
          row[`${peer.name} ms`] = (theirTime * 1000).toFixed(1);
          row[`ours / ${peer.name}`] = (time / theirTime).toFixed(3);
          row[`of ${peer.name}'s bare product`] = `${((100 * count * product) / time).toFixed(0)} %`;
        }
        table.push(row);
      }
    }
  }
  return table;
}
