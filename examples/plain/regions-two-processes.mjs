// `npm start -- regions-two-processes`: one batch on two processes. Dice over whole classes is a ratio of sums over
// every pixel of every image, so neither half can know it alone. Each process takes the moments of its half, they are
// added, and each gets the loss of the whole batch and the gradient of its half from them: what one process gets, which
// the example does as well and compares.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { diceSync, regionLossSync, regionMomentsSync, tensor } from 'cutloss';

const BATCH = 4;
const HEIGHT = 96;
const WIDTH = 96;
const CLASSES = 5;
const PROCESSES = 2;
const options = { over: 'class', crossEntropy: 0.5, layout: 'channelsLast' };

/** The images of a process: every process can make every image, as if it had read it from a disk. */
function images(first, end) {
  const pixels = HEIGHT * WIDTH;
  const logits = new Float32Array((end - first) * pixels * CLASSES);
  const ids = new Int32Array((end - first) * pixels);
  for (let image = first; image < end; image++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const [row, column] = [Math.floor(pixel / WIDTH), pixel % WIDTH];
      const at = (image - first) * pixels + pixel;
      ids[at] = (Math.floor(row / 17) + Math.floor(column / 23) + image) % CLASSES;
      for (let c = 0; c < CLASSES; c++) {
        logits[at * CLASSES + c] =
          Math.sin(3.1 * c + 0.07 * row + 0.13 * column * (image + 1)) + (c === ids[at]);
      }
    }
  }
  const leading = [end - first, HEIGHT, WIDTH];
  return { predictions: tensor(logits, [...leading, CLASSES]), targets: tensor(ids, leading) };
}

if (process.argv[2] === 'part') work(...process.argv.slice(3).map(Number));
else await lead();

/** A process with a part of the batch: moments out, everybody's moments in, loss and gradient out. */
function work(first, end) {
  const inputs = images(first, end);
  const { names, values } = regionMomentsSync(inputs, options);
  process.once('message', (sums) => {
    const merged = { names, values: Float64Array.from(sums) };
    const { loss, grads } = regionLossSync('dice', merged, inputs, { ...options, grads: true });
    process.send({ loss, gradient: [...grads.predictions.dataSync()] }, () => process.disconnect());
  });
  process.send([...values]);
}

async function lead() {
  const share = BATCH / PROCESSES;
  const workers = Array.from({ length: PROCESSES }, (_, k) =>
    fork(fileURLToPath(import.meta.url), ['part', `${k * share}`, `${(k + 1) * share}`]),
  );
  const answers = () =>
    Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));

  const moments = await answers();
  const sums = moments[0].map((_, i) => moments.reduce((sum, values) => sum + values[i], 0));
  const parts = answers();
  for (const worker of workers) worker.send(sums);
  const results = await parts;

  const whole = diceSync(images(0, BATCH), { ...options, grads: true });
  const expected = whole.grads.predictions.dataSync();
  const found = results.flatMap(({ gradient }) => gradient);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);

  console.log(`dice + cross-entropy of ${BATCH} images, a process for each ${share} of them`);
  console.log(
    `  moments exchanged: ${sums.length} numbers; logits that stayed where they were: ${expected.length}`,
  );
  for (const [k, { loss }] of results.entries()) console.log(`  process ${k}: loss ${loss}`);
  console.log(`  one process: loss ${whole.loss}`);
  console.log(
    `  gradients differ by at most ${((100 * difference) / largest).toExponential(1)} % of the largest element`,
  );
  // parts of an image are added up in float32, and processes part it elsewhere
  const same =
    results.every(({ loss }) => Math.abs(loss - whole.loss) <= 1e-8) && difference <= 1e-6 * largest;
  if (!same || found.length !== expected.length) process.exitCode = 1;
}
