// `npm start -- classifier`: trains a softmax classifier with crossEntropy on data it makes, on whatever device there is. The model is
// plain arrays: logits = features · weights, and the loss hands back the gradient of the logits.
import { crossEntropy, devices, tensor, zeros } from 'cutloss';

const CLASSES = 12;
const FEATURES = 48;
const BATCH = 1024;
const STEPS = 400;
const RATE = 2;

/** A small generator of numbers in [0, 1), the same on every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
const random = generator(7);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Points around one center per class, close enough together that some belong to another. */
const centers = Array.from({ length: CLASSES }, () =>
  Float64Array.from({ length: FEATURES }, () => normal() * 0.45),
);
function batch() {
  const features = new Float32Array(BATCH * FEATURES);
  const targets = new Int32Array(BATCH);
  for (let row = 0; row < BATCH; row++) {
    targets[row] = Math.floor(random() * CLASSES);
    const center = centers[targets[row]];
    for (let k = 0; k < FEATURES; k++) features[row * FEATURES + k] = center[k] + normal();
  }
  return { features, targets };
}

/** logits = features · weights, written out: the example needs no library. */
function logitsOf(features, weights, logits) {
  logits.fill(0);
  for (let row = 0; row < BATCH; row++) {
    for (let k = 0; k < FEATURES; k++) {
      const x = features[row * FEATURES + k];
      for (let c = 0; c < CLASSES; c++) logits[row * CLASSES + c] += x * weights[k * CLASSES + c];
    }
  }
}
/** weights -= RATE · featuresᵀ · gradient. */
function descend(features, gradient, weights) {
  for (let row = 0; row < BATCH; row++) {
    for (let k = 0; k < FEATURES; k++) {
      const x = features[row * FEATURES + k];
      for (let c = 0; c < CLASSES; c++) weights[k * CLASSES + c] -= RATE * x * gradient[row * CLASSES + c];
    }
  }
}

function bar(done, text) {
  const width = 30;
  const filled = Math.round(done * width);
  const line = `  ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === 1 ? '\n' : ''}`);
  else if (Math.round(done * STEPS) % (STEPS / 8) === 0) console.log(line);
}

console.log('Devices');
for (const { device, name, threads, simd, totalMemory } of devices()) {
  const detail = threads ? `${threads} threads, ${simd}` : `${(totalMemory / 2 ** 30).toFixed(0)} GiB`;
  console.log(`  ${device.padEnd(8)} ${name} (${detail})`);
}

console.log(`\nTraining a softmax classifier: ${CLASSES} classes, ${FEATURES} features, batches of ${BATCH}`);
const weights = new Float32Array(FEATURES * CLASSES);
const logits = tensor(new Float32Array(BATCH * CLASSES), [BATCH, CLASSES]);
const gradient = zeros([BATCH, CLASSES]);
let inLoss = 0;
let first;
let correct = 0;
let last;
for (let step = 1; step <= STEPS; step++) {
  const { features, targets } = batch();
  logitsOf(features, weights, logits.dataSync());
  const start = performance.now();
  const { loss, argmax } = await crossEntropy(
    { logits, targets: { data: targets, shape: [BATCH] } },
    { grads: true, outputs: ['argmax'], out: { logits: gradient } },
  );
  inLoss += performance.now() - start;
  descend(features, gradient.dataSync(), weights);
  first ??= loss;
  last = loss;
  correct =
    argmax.dataSync().reduce((sum, predicted, row) => sum + Number(predicted === targets[row]), 0) / BATCH;
  const rate = (step * BATCH) / (inLoss / 1000);
  bar(step / STEPS, `step ${step}/${STEPS}  loss ${loss.toFixed(4)}  ${(rate / 1e6).toFixed(2)} M rows/s`);
}
console.log(
  `\nLoss ${first.toFixed(4)} → ${last.toFixed(4)}; ${(correct * 100).toFixed(1)} % of the last batch right.`,
);
