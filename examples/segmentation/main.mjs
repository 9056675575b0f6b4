// `npm start -- segmentation`: a small U-Net in tfjs learns to find rings in noisy pictures, first by dice + cross-entropy,
// then with bettiMatching beside them. Overlap hardly minds a gap in a ring; components and holes do. With
// `node examples/segmentation/main.mjs picture.png` it writes what it draws.
import { writeFileSync } from 'node:fs';
import { bettiMatchingError, tensor } from 'cutloss';
import { bind } from 'cutloss/tfjs';
import { loadTfjs } from '../tfjs.mjs';
import { generator, makeImage, SIZE } from './images.mjs';
import { draw, png } from './pictures.mjs';
import { UNet } from './unet.mjs';

const BATCH = 4;
const STEPS = { first: 120, further: 100 };
const WEIGHT = 0.04; // of bettiMatching beside the overlap
const UNSEEN = 16;
const SHOWN = 2; // of the unseen ones;

const tf = await loadTfjs();
const losses = bind(tf);
const model = new UNet(tf);
let random = generator(5);

function batch(count) {
  const images = Array.from({ length: count }, () => makeImage(random));
  const stacked = (name) =>
    tf.tensor(Float32Array.from(images.flatMap((each) => [...each[name]])), [count, SIZE, SIZE, 1]);
  return { images: stacked('image'), masks: stacked('mask') };
}

const overlap = losses.dice({ activation: 'sigmoid', crossEntropy: 1 });
const topology = losses.bettiMatching({ activation: 'sigmoid' });
const fields = (x) => tf.squeeze(x, [-1]);
const both = (masks, logits) =>
  tf.add(overlap(masks, logits), tf.mul(topology(fields(masks), fields(logits)), WEIGHT));

function train(name, loss, steps, rate) {
  const optimizer = tf.train.adam(rate);
  for (let step = 1; step <= steps; step++) {
    const value = tf.tidy(() => {
      const { images, masks } = batch(BATCH);
      return optimizer.minimize(() => loss(masks, model.logits(images)), true);
    });
    if (step % 40 === 0) console.log(`${name}, step ${step}   loss ${value.dataSync()[0].toFixed(3)}`);
    value.dispose();
  }
  optimizer.dispose();
}

const unseen = batch(UNSEEN);
const masks = unseen.masks.dataSync();
const shape = [UNSEEN, SIZE, SIZE];

/** How well the model does on pictures that it never saw. */
async function judge(name) {
  const found = tf.tidy(() => tf.sigmoid(model.logits(unseen.images)).dataSync());
  const missed = await bettiMatchingError({ prediction: tensor(found, shape), target: tensor(masks, shape) });
  const amiss = missed.reduce((sum, each) => sum + each, 0) / UNSEEN;
  const right = found.reduce((sum, p, i) => sum + Number(p > 0.5 === masks[i] > 0.5), 0) / found.length;
  const pixels = (100 * right).toFixed(1);
  console.log(
    `${name}: ${pixels} % of pixels right, ${amiss.toFixed(2)} components and holes amiss per picture\n`,
  );
  return found;
}

console.log(`U-Net on ${tf.getBackend()}, pictures of ${SIZE} × ${SIZE}, ${BATCH} in a step`);
train('dice + cross-entropy', overlap, STEPS.first, 0.006);
const before = await judge('before');

// from here twice, on the same pictures: as before, and with bettiMatching
random = generator(6);
const kept = model.variables().map((variable) => variable.clone());
train('more of the same', overlap, STEPS.further, 0.003);
await judge('more of the same');
for (const [i, variable] of model.variables().entries()) variable.assign(kept[i]);
random = generator(6);
train('with bettiMatching', both, STEPS.further, 0.003);
const after = await judge('with bettiMatching');

const picture = (values, i) => values.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
const titles = ['dice + cross-entropy', 'with bettiMatching', 'target'];
console.log(`  ${titles.map((title) => title.padEnd(SIZE)).join('  ')}`.trimEnd());
draw(
  [before, after, masks].map((values) => picture(values, SHOWN)),
  SIZE,
);

const file = process.argv.slice(2).find((name) => name.endsWith('.png'));
if (file) {
  const images = unseen.images.dataSync().map((value) => 0.25 + value / 2);
  const rows = Array.from({ length: 4 }, (_, i) =>
    [images, before, after, masks].map((values) => picture(values, i)),
  );
  writeFileSync(file, png(rows, SIZE));
  console.log(`\nwritten to ${file}: picture, before, with bettiMatching, mask`);
}
