// `npm start -- language-model`: a small transformer in tfjs learns six sonnets of Shakespeare by heart, word by word. Its
// vocabulary has the size of a real model's, so that the logits of a step and their gradient would be 125 MiB;
// cutCrossEntropy on the head never builds them.
import { readFileSync } from 'node:fs';
import { memory } from 'cutloss';
import { bind } from 'cutloss/tfjs';
import { loadTfjs } from '../tfjs.mjs';
import { Transformer } from './model.mjs';

const VOCABULARY = 32_000;
const DIM = 64;
const LENGTH = 32;
const BATCH = 16;
const STEPS = 60;
const RATE = 0.01;

const tf = await loadTfjs();
const losses = bind(tf);

const text = readFileSync(new URL('sonnets.txt', import.meta.url), 'utf8');
const read = text.toLowerCase().match(/[a-z'-]+|[.,:;?!]|\n/g);
const known = [...new Set(read)];
const words = read.map((word) => known.indexOf(word));
const model = new Transformer(tf, { known: known.length, vocabulary: VOCABULARY, length: LENGTH, dim: DIM });
console.log(
  `transformer on ${tf.getBackend()}: ${words.length} words, ${known.length} different, vocabulary ${VOCABULARY}`,
);

/** Stretches of the text, evenly far apart, from another beginning in every step. */
function batch(step) {
  const last = words.length - LENGTH - 1;
  const starts = Array.from(
    { length: BATCH },
    (_, i) => Math.floor((i * last) / BATCH + step * 7.3) % (last + 1),
  );
  const stretch = (shift) => starts.flatMap((start) => words.slice(start + shift, start + shift + LENGTH));
  return [0, 1].map((shift) => tf.tensor(stretch(shift), [BATCH, LENGTH], 'int32'));
}

const loss = losses.cutCrossEntropy({ workspaceBytes: 2 ** 23 });
const optimizer = tf.train.adam(RATE);
const rows = BATCH * LENGTH;
const start = performance.now();
for (let step = 0; step <= STEPS; step++) {
  const value = tf.tidy(() => {
    const [ids, next] = batch(step);
    return optimizer.minimize(() => loss(model.hidden(ids), model.classifier, next), true);
  });
  if (step % 10 === 0)
    console.log(`step ${String(step).padStart(2)}   loss ${value.dataSync()[0].toFixed(3)}`);
  value.dispose();
}
const milliseconds = (performance.now() - start) / (STEPS + 1);

const spoken = "shall i compare thee to a summer's day".split(' ').map((word) => known.indexOf(word));
while (spoken.length < LENGTH) {
  const padded = [...spoken, ...Array(LENGTH - spoken.length).fill(0)];
  spoken.push(tf.tidy(() => model.next(tf.tensor(padded, [1, LENGTH], 'int32'), spoken.length - 1)));
}
const said = spoken.map((id) => known[id] ?? '…').join(' ');
console.log(`\n${said.replace(/ ([.,:;?!])/g, '$1').replace(/ ?\n ?/g, '\n')}\n`);

const { peakBytes } = memory().find(({ device }) => device === 'cpu');
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
console.log(`a step: ${milliseconds.toFixed(0)} ms`);
console.log(
  `scratch memory of the loss: ${mebibytes(peakBytes)} at most; logits and their gradient would have been ${mebibytes(8 * rows * VOCABULARY)}`,
);
