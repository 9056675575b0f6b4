// Digests of losses, gradients and outputs in every dtype, each computed several times over and always the same. argv:
// 'small' or 'large'; how many workers compute them at once (0: this thread, without any).
import { createHash } from 'node:crypto';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { crossEntropySync, cutCrossEntropySync, toBFloat16, toFloat16 } from 'cutloss';
import { must, problem } from '../../../test/hazards/children/work.mjs';

const [size, width] = process.argv.slice(2);
const shapes =
  size === 'small'
    ? [[37, 131]]
    : [
        [37, 131],
        [300, 5003],
        [64, 50257],
      ];
const rounds = size === 'small' ? 2 : 12;
const optionsToTry = [
  {},
  { labelSmoothing: 0.1, softcap: 30, zLoss: 1e-3 },
  { objective: { kind: 'focal' } },
];
const bitsOf = {
  float32: (data) => data,
  float16: toFloat16,
  bfloat16: toBFloat16,
};

const common = { device: 'cuda:0', grads: true, outputs: ['lse', 'entropy', 'argmax'] };
const dim = 24;

/** The same losses, of rows that are given and of rows that are never built. */
function* results({ logits, targets }, [rows, classes], dtype, options) {
  const matrix = (lines, width) => ({
    data: bitsOf[dtype](logits.data.subarray(0, lines * width)),
    shape: [lines, width],
    dtype,
  });
  yield crossEntropySync({ logits: matrix(rows, classes), targets }, { ...options, ...common });
  const made = { hidden: matrix(rows, dim), classifier: matrix(classes, dim), targets };
  yield cutCrossEntropySync(made, { ...options, ...common });
  yield cutCrossEntropySync(made, { ...options, ...common, gradientFilter: 'both', workspaceBytes: 1 });
}

function digest() {
  const hash = createHash('sha256');
  for (const shape of shapes) {
    const given = problem(...shape);
    for (const dtype of Object.keys(bitsOf)) {
      for (const options of optionsToTry) {
        for (const { loss, grads, lse, entropy, argmax } of results(given, shape, dtype, options)) {
          hash.update(Float64Array.of(loss));
          for (const each of [...Object.values(grads), lse, entropy, argmax]) hash.update(each.dataSync());
        }
      }
    }
  }
  return hash.digest('hex').slice(0, 16);
}

if (isMainThread && width !== '0') {
  const answers = Array.from({ length: Number(width) }, () => {
    const worker = new Worker(new URL(import.meta.url), { argv: [size, '0'] });
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  console.log(JSON.stringify({ digests: [...new Set(await Promise.all(answers))] }));
} else {
  const digests = new Set(Array.from({ length: rounds }, digest));
  must(digests.size === 1, `the same work gives ${[...digests].join(' ')}`);
  const [found] = digests;
  if (isMainThread) console.log(JSON.stringify({ digests: [found] }));
  else parentPort.postMessage(found);
}
