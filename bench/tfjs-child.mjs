// One way to compute one loss with its gradients in tfjs, in a process of its own: prints the times of its steps and the
// memory that a step took (see suites/tfjs.mjs).
import { createRequire } from 'node:module';
import { bind } from 'cutloss/tfjs';
import { requireTfjsNode, tfjsNodeFolder } from '../scripts/tfjs-node.mjs';
import { resident, settle, startPeak } from './resident.mjs';

const [backend, workload, way, rounds, size] = process.argv.slice(2);
console.warn = () => {};
const require = createRequire(import.meta.url);
const tf = backend === 'tensorflow' ? requireTfjsNode(tfjsNodeFolder()) : require('@tensorflow/tfjs');
if (backend === 'wasm') require('@tensorflow/tfjs-backend-wasm');
await tf.setBackend(backend);
const losses = bind(tf);

const sizes = {
  small: { cut: [64, 32, 500], fields: [2, 32, 32, 4] },
  middle: { cut: [256, 256, 8000], fields: [4, 128, 128, 8] },
  full: { cut: [512, 256, 32000], fields: [4, 256, 256, 8] },
};
const [rows, dim, vocab] = sizes[size].cut;
const { fields } = sizes[size];

/** The op that tfjs-node has and tfjs has no name for: loss per row and gradient of [rows, classes] by class ids. */
const sparse = tf.customGrad((logits, ids, save) => {
  const type = { name: 'T', type: tf.backend().binding.TF_ATTR_TYPE, value: tf.backend().binding.TF_FLOAT };
  const labels = { ...type, name: 'Tlabels', value: tf.backend().binding.TF_INT32 };
  const op = 'SparseSoftmaxCrossEntropyWithLogits';
  const [perRow, gradient] = tf.backend().executeMultipleOutputs(op, [type, labels], [logits, ids], 2);
  save([gradient]);
  return {
    value: perRow,
    gradFunc: (dy, [kept]) => [tf.mul(kept, tf.expandDims(dy, 1)), tf.zerosLike(ids)],
  };
});
const ways = {
  'one-hot': (ids, logits) => tf.losses.softmaxCrossEntropy(tf.oneHot(ids, vocab), logits),
  sparse: (ids, logits) => tf.mean(sparse(logits, ids)),
  ours: losses.crossEntropy(),
};

const ids = tf.randomUniform([rows], 0, vocab, 'int32', 1);
const normal = (shape, seed) => tf.randomNormal(shape, 0, 1 / Math.sqrt(dim), 'float32', seed);
const works = {
  'cut cross-entropy': () => {
    const inputs = [normal([rows, dim], 2), normal([vocab, dim], 3)];
    const cut = losses.cutCrossEntropy();
    const loss =
      way === 'ours'
        ? (hidden, classifier) => cut(hidden, classifier, ids)
        : (hidden, classifier) => ways[way](ids, tf.matMul(hidden, classifier, false, true));
    return { inputs, loss, shape: `[${rows}, ${dim}] × [${vocab}, ${dim}]` };
  },
  'cross-entropy': () => {
    const inputs = [normal([rows, vocab], 4)];
    return { inputs, loss: (logits) => ways[way](ids, logits), shape: `[${rows}, ${vocab}]` };
  },
  dice: () => {
    const classes = fields.at(-1);
    const labels = tf.randomUniform(fields.slice(0, -1), 0, classes, 'int32', 5);
    const ours = losses.dice();
    const composed = (logits) => {
      const [p, y] = [tf.softmax(logits), tf.cast(tf.oneHot(labels, classes), 'float32')];
      const sum = (x) => tf.sum(x, [1, 2]);
      const overlap = tf.add(tf.mul(sum(tf.mul(p, y)), 2), 1e-5);
      return tf.mean(tf.sub(1, tf.div(overlap, tf.add(tf.add(sum(p), sum(y)), 1e-5))));
    };
    const loss = way === 'ours' ? (logits) => ours(labels, logits) : composed;
    return { inputs: [tf.randomNormal(fields, 0, 1, 'float32', 6)], loss, shape: `[${fields}]` };
  },
};
const { inputs, loss, shape } = works[workload]();
const gradients = tf.valueAndGrads(loss);

function step() {
  const { value, grads } = gradients(inputs);
  value.dataSync();
  tf.dispose([value, grads]);
}

for (const tensor of inputs) tf.sum(tensor).dataSync(); // tfjs uploads at the first use
await settle();
const before = resident('VmRSS');
startPeak();
step();
const bytes = resident('VmHWM') - before;

const times = [];
for (let round = 0; round < Number(rounds); round++) {
  const start = performance.now();
  step();
  times.push(performance.now() - start);
}
const logits = workload === 'dice' ? inputs[0].size : rows * vocab;
console.log(JSON.stringify({ shape, size: logits, times, bytes }));
