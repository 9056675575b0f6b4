// `npm start -- topology`: mends a ring by gradient descent on bettiMatching alone. The prediction has gaps and
// specks; the loss says nothing of single pixels, only of components and holes, and its gradient reaches the pixels at
// which they are born and die. It ends when the prediction has the target's Betti numbers.
import { bettiMatching, bettiNumbers, prepareTarget, tensor } from 'cutloss';

const HEIGHT = 28;
const WIDTH = 28;
const RATE = 0.1;
const MOST_STEPS = 400;

/** A small generator of numbers in [0, 1), the same on every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
const random = generator(3);

/** Two rings that touch: one component, two holes. */
function inRing(row, column) {
  const distance = (x) => Math.hypot(row - HEIGHT / 2 + 0.5, column - x);
  return [WIDTH * 0.32, WIDTH * 0.68].some((x) => Math.abs(distance(x) - WIDTH * 0.2) < 1.3);
}
const pixels = Array.from({ length: HEIGHT * WIDTH }, (_, i) => [Math.floor(i / WIDTH), i % WIDTH]);
const target = Float32Array.from(pixels, ([row, column]) => Number(inRing(row, column)));

/** What a network might have said: unsure, blind in some places, seeing things in others. */
const prediction = Float32Array.from(pixels, ([row, column]) => {
  const gap =
    (row < HEIGHT / 2 && Math.abs(column - WIDTH * 0.25) < 2) ||
    (row > HEIGHT * 0.6 && Math.abs(column - WIDTH * 0.75) < 2);
  const sure = inRing(row, column) ? (gap ? 0.25 : 0.75) : 0.2;
  return Math.min(1, Math.max(0, sure + 0.5 * (random() - 0.5) + (random() < 0.03 ? 0.5 : 0)));
});

const shape = [1, HEIGHT, WIDTH];
const field = tensor(prediction, shape);
/** Fields side by side, two rows of pixels in a line of text: what is above 0.5 is foreground. */
function draw(fields) {
  const there = (field, row, column) => Number(field[row * WIDTH + column] > 0.5);
  for (let row = 0; row < HEIGHT; row += 2) {
    const line = (field) =>
      Array.from(
        { length: WIDTH },
        (_, c) => ' ▀▄█'[there(field, row, c) + 2 * there(field, row + 1, c)],
      ).join('');
    console.log(`  ${fields.map(line).join('   ')}`);
  }
}
const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const inWords = ([components, holes]) => `${counted(components, 'component')}, ${counted(holes, 'hole')}`;

const [wanted] = await bettiNumbers(tensor(target, shape));
const before = prediction.slice();
const [first] = await bettiNumbers(field);
console.log(
  `bettiMatching on ${HEIGHT} × ${WIDTH} pixels: ${inWords(first)}; the target has ${inWords(wanted)}`,
);

const prepared = await prepareTarget(tensor(target, shape)); // it is the same in every step
let step = 0;
let numbers = first;
for (; step < MOST_STEPS && numbers.some((count, k) => count !== wanted[k]); step++) {
  const { loss, grads } = await bettiMatching({ prediction: field, target: prepared }, { grads: true });
  const slopes = await grads.prediction.data();
  for (let i = 0; i < prediction.length; i++)
    prediction[i] = Math.min(1, Math.max(0, prediction[i] - RATE * slopes[i]));
  [numbers] = await bettiNumbers(field);
  if (step % 5 === 0)
    console.log(
      `  step ${String(step).padStart(3)}  loss ${loss.toFixed(3).padStart(7)}  ${inWords(numbers)}`,
    );
}

console.log(`\n  ${'before'.padEnd(WIDTH + 3)}${'after'.padEnd(WIDTH + 3)}target`);
draw([before, prediction, target]);
const reached = numbers.every((count, k) => count === wanted[k]);
const changed = prediction.filter((value, i) => value !== before[i]).length;
console.log(`\nafter ${step} steps: ${inWords(numbers)}, ${changed} of ${prediction.length} pixels changed`);
if (!reached) process.exitCode = 1;
