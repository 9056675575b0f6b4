// `npm start -- discs`: trains a segmentation model of two convolutions, written out below, with dice +
// cross-entropy in one call. Images are noisy: light discs and dark discs on grey, most pixels no clearer than their
// neighbours. It draws the masks of an image that the model has never seen.
import { dice, tensor, zeros } from 'cutloss';

const SIZE = 32;
const PIXELS = SIZE * SIZE;
const REACH = 2; // a convolution sees 5 × 5 pixels
const HIDDEN = 6;
const CLASSES = 3; // background, light, dark
const BATCH = 4;
const STEPS = 60;
const RATE = 0.05;

let state = 11;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** An image and its mask. */
function makeImage() {
  const discs = Array.from({ length: 4 }, (_, k) => ({
    row: SIZE * random(),
    column: SIZE * random(),
    radius: 4 + 3 * random(),
    label: 1 + (k % 2),
  }));
  const mask = new Int32Array(PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const [row, column] = [Math.floor(pixel / SIZE), pixel % SIZE];
    const disc = discs.find((d) => Math.hypot(row - d.row, column - d.column) < d.radius);
    mask[pixel] = disc ? disc.label : 0;
  }
  const image = Float32Array.from(mask, (label) => [0, 1, -1][label] + 2.4 * (random() - 0.5));
  return { image, mask };
}

/** A convolution of [pixels, from] to [pixels, to], whose gradients go to Adagrad on the spot. */
class Convolution {
  constructor(from, to) {
    const width = 2 * REACH + 1;
    Object.assign(this, { from, to, width });
    this.weights = Float32Array.from({ length: width * width * from * to }, () => (random() - 0.5) / width);
    this.gradient = new Float32Array(this.weights.length);
    this.squares = new Float32Array(this.weights.length).fill(1e-6);
  }

  /** visit(pixel, its neighbour, where the weights of their distance begin) */
  forEachNeighbour(visit) {
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const [row, column] = [Math.floor(pixel / SIZE), pixel % SIZE];
      for (let y = Math.max(-REACH, -row); y <= Math.min(REACH, SIZE - 1 - row); y++) {
        for (let x = Math.max(-REACH, -column); x <= Math.min(REACH, SIZE - 1 - column); x++) {
          const distance = (y + REACH) * this.width + x + REACH;
          visit(pixel, pixel + y * SIZE + x, distance * this.from * this.to);
        }
      }
    }
  }

  forward(input, output) {
    const { from, to, weights } = this;
    this.forEachNeighbour((pixel, neighbour, w) => {
      for (let i = 0; i < from; i++) {
        const value = input[neighbour * from + i];
        for (let o = 0; o < to; o++) output[pixel * to + o] += value * weights[w + i * to + o];
      }
    });
    return output;
  }

  /** Adds to the weights' gradient; returns the input's. */
  backward(input, upstream) {
    const { from, to, weights, gradient } = this;
    const back = new Float32Array(input.length);
    this.forEachNeighbour((pixel, neighbour, w) => {
      for (let i = 0; i < from; i++) {
        let sum = 0;
        for (let o = 0; o < to; o++) {
          const slope = upstream[pixel * to + o];
          sum += slope * weights[w + i * to + o];
          gradient[w + i * to + o] += slope * input[neighbour * from + i];
        }
        back[neighbour * from + i] += sum;
      }
    });
    return back;
  }

  descend() {
    for (const [i, slope] of this.gradient.entries()) {
      this.squares[i] += slope * slope;
      this.weights[i] -= (RATE * slope) / Math.sqrt(this.squares[i]);
    }
    this.gradient.fill(0);
  }
}

const first = new Convolution(2, HIDDEN); // brightness, and a constant in place of a bias
const second = new Convolution(HIDDEN, CLASSES);

function predict(image, logits) {
  const input = new Float32Array(2 * PIXELS).fill(1);
  for (let pixel = 0; pixel < PIXELS; pixel++) input[2 * pixel] = image[pixel];
  const hidden = first.forward(input, new Float32Array(PIXELS * HIDDEN)).map((x) => Math.max(0, x));
  second.forward(hidden, logits.fill(0));
  return { input, hidden };
}

const largest = (logits) =>
  Int32Array.from({ length: PIXELS }, (_, pixel) => {
    const own = logits.subarray(pixel * CLASSES, (pixel + 1) * CLASSES);
    return own.indexOf(Math.max(...own));
  });

const perImage = PIXELS * CLASSES;
const logits = new Float32Array(BATCH * perImage);
const masks = new Int32Array(BATCH * PIXELS);
const inputs = {
  predictions: tensor(logits, [BATCH, SIZE, SIZE, CLASSES]),
  targets: tensor(masks, [BATCH, SIZE, SIZE]),
};
const out = { predictions: zeros([BATCH, SIZE, SIZE, CLASSES]) };

for (let step = 0; step <= STEPS; step++) {
  const batch = Array.from({ length: BATCH }, makeImage);
  const passes = batch.map(({ image, mask }, k) => {
    masks.set(mask, k * PIXELS);
    return predict(image, logits.subarray(k * perImage, (k + 1) * perImage));
  });
  const { loss } = await dice(inputs, { over: 'class', crossEntropy: 1, grads: true, out });
  if (step % 15 === 0)
    console.log(`step ${String(step).padStart(2)}   dice + cross-entropy ${loss.toFixed(3)}`);

  const gradient = out.predictions.dataSync();
  for (const [k, { input, hidden }] of passes.entries()) {
    const back = second.backward(hidden, gradient.subarray(k * perImage, (k + 1) * perImage));
    first.backward(
      input,
      back.map((slope, i) => (hidden[i] > 0 ? slope : 0)),
    );
  }
  first.descend();
  second.descend();
}

const { image, mask } = makeImage();
const unseen = new Float32Array(perImage);
predict(image, unseen);
const learned = largest(unseen);
const brightness = image.map((x) => (x > 0.5 ? 1 : x < -0.5 ? 2 : 0));
console.log(
  `\n  ${['brightness', 'learned', 'target'].map((name) => name.padEnd(SIZE + 2)).join('')}`.trimEnd(),
);
for (let row = 0; row < SIZE; row += 2) {
  const line = (labels) =>
    Array.from(labels.subarray(row * SIZE, (row + 1) * SIZE), (label) => ' ░█'[label]).join('');
  console.log(
    `  ${[brightness, learned, mask].map((labels) => line(labels).padEnd(SIZE + 2)).join('')}`.trimEnd(),
  );
}
const right = (labels) => labels.reduce((count, label, i) => count + Number(label === mask[i]), 0) / PIXELS;
console.log(
  `\nright: ${(100 * right(learned)).toFixed(0)} % of pixels; by brightness alone ${(100 * right(brightness)).toFixed(0)} %`,
);
