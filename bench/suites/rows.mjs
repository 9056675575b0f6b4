// cutCrossEntropy beside the usual way, logits = hidden · classifierᵀ and then cross-entropy: bound by arithmetic, so held
// against GFLOP/s (2 NVD forward, 6 NVD with both gradients) and against the bare products of the same shape, ours and the
// peer's.
//
// Data is random (hidden of deviation 1, a word's row of the classifier of length 1) or like that of a trained model: hidden
// points to its target by as much as makes the target's probability 0.6 on average over rows, with noise that gives the
// other logits a deviation of 2.
import { cutCrossEntropySync, devices, tensor, toBFloat16, zeros } from 'cutloss';
import { extraMemory } from '../memory.mjs';
import { compile } from '../native.mjs';
import { converse } from '../peer.mjs';
import { figure, median } from '../table.mjs';
import { seconds, takeTurn } from '../turns.mjs';

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

export function makeInputs([rows, dim, classes], dtype, data) {
  const hidden = new Float32Array(rows * dim);
  const classifier = new Float32Array(classes * dim);
  for (let i = 0; i < classifier.length; i++) classifier[i] = stretch[i % stretch.length] / Math.sqrt(dim);
  const targets = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const target = Math.floor(Math.random() * classes);
    targets[row] = target;
    // log V + 2² / 2 is the other words' log-sum-exp; an offset of 0.86 ± 3 from it makes 0.6 on average
    const pull = data === 'trained' ? Math.log(classes) + 2 + 0.86 + 3 * normal() : 0;
    const noise = data === 'trained' ? 2 : 1;
    for (let k = 0; k < dim; k++) {
      hidden[row * dim + k] =
        pull * classifier[target * dim + k] + noise * stretch[(row * dim + k + 7919) % stretch.length];
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

/** Our bare product, in turn with the others; undefined where there is no compiler or no build of the native part. */
async function ownProduct() {
  const program = compile('product', 'libcutloss_cpu.a', 'libcutloss_cuda.a');
  const product = program && (await converse('product', program, [String(devices()[0].threads)]));
  return typeof product === 'object' ? product : undefined;
}

/** The times of one kind of work, ours and theirs taken in turn. */
async function inTurn(rounds, peers, workload, run) {
  const times = { ours: [], theirs: peers.map(() => []), products: peers.map(() => []), bytes: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await takeTurn(run));
    for (const [i, peer] of peers.entries()) {
      const { seconds, productSeconds, bytes } = await takeTurn(() => peer.run(workload));
      times.bytes[i] = bytes;
      times.theirs[i].push(seconds);
      times.products[i].push(productSeconds);
    }
  }
  return {
    ours: median(times.ours),
    theirs: times.theirs.map(median),
    products: times.products.map(median),
    bytes: times.bytes,
  };
}

const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
const milliseconds = (time) => (time * 1000).toFixed(1);

/** What a row of the table says of times, whatever the work. */
function figures(shape, products, time, theirs, peers) {
  const [rows, dim, classes] = shape;
  const beside = peers.map(({ name }, i) => [
    [`${name} ms`, milliseconds(theirs[i])],
    [`ours / ${name}`, (time / theirs[i]).toFixed(3)],
  ]);
  return {
    ms: milliseconds(time),
    'GFLOP/s': ((2 * products * rows * dim * classes) / time / 1e9).toFixed(0),
    ...Object.fromEntries(beside.flat()),
  };
}

async function measure(shape, dtype, data, { peers, rounds, product }) {
  const [rows, dim, classes] = shape;
  const about = { shape: shape.join('×'), dtype, data };
  const workload = { suite: 'rows', rows, dim, classes, dtype };
  const table = [];
  const inputs = makeInputs(shape, dtype, data);
  const out = makeOut(shape, dtype);
  let bare;
  for (const [work, { products, gradient = false }] of Object.entries(works)) {
    const { keptTiles } = call(work, inputs, out);
    const times = await inTurn(rounds, peers, { ...workload, gradient }, () =>
      seconds(() => call(work, inputs, out)),
    );
    if (product && bare === undefined) {
      const line = `${shape.join(' ')} ${dtype}`;
      const turns = await inTurn(rounds, peers, { ...workload, gradient }, async () => {
        return (await product.run(line)).seconds;
      });
      bare = turns.ours;
      table.push({ ...about, work: 'product', ...figures(shape, 1, bare, turns.products, peers) });
    }
    const extra = (times) => extraMemory('cut-memory-child', work, dtype, data, times * rows, dim, classes);
    const extraHere = extra(1);
    const gradients = gradient ? out.hidden.byteLength + out.classifier.byteLength : 0;
    table.push({
      ...about,
      work,
      ...figures(shape, products, times.ours, times.theirs, peers),
      'of the bare product': bare ? `${((100 * products * bare) / times.ours).toFixed(0)} %` : '–',
      'extra MiB': mebibytes(extraHere),
      'extra MiB, 4 × rows': rows <= 1024 ? mebibytes(extra(4)) : '–',
      'kept tiles': keptTiles === undefined ? '–' : `${(100 * keptTiles).toFixed(1)} %`,
      figure: figure(`${work}, ${dtype}, ${data} data`, rows * classes * dim, 'multiplications per product', [
        ['cutloss', 1000 * times.ours, extraHere + gradients],
        ...peers.map(({ name }, i) => [name, 1000 * times.theirs[i], times.bytes[i]]),
      ]),
    });
  }
  return table;
}

export async function rowsSuite({ peers, rounds, small, ...only }) {
  const chosen = (kind, all) => all.filter((one) => only[kind] === undefined || String(one) === only[kind]);
  const product = await ownProduct();
  const table = [];
  for (const shape of small ? shapes.small : shapes.full)
    for (const dtype of chosen('dtype', ['float32', 'bfloat16']))
      for (const data of chosen('data', ['trained', 'random']))
        if (only.shape === undefined || shape.join('x') === only.shape)
          table.push(...(await measure(shape, dtype, data, { peers, rounds, product })));
  product?.close();
  return table;
}
