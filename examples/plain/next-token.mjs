// `npm start -- next-token`: trains a small next-token model with cutCrossEntropy. The vocabulary is that of a real model, of which the
// text uses a hundred or so words; the logits of one step would be 32 MiB, and are never built.
import { cutCrossEntropy, memory, tensor, zeros } from 'cutloss';

// Abraham Lincoln at Gettysburg, 1863
const TEXT = `Four score and seven years ago our fathers brought forth upon this continent a new nation conceived in liberty
and dedicated to the proposition that all men are created equal . Now we are engaged in a great civil war testing whether
that nation or any nation so conceived and so dedicated can long endure . We are met on a great battlefield of that war .
We have come to dedicate a portion of that field as a final resting place for those who here gave their lives that that
nation might live . It is altogether fitting and proper that we should do this . But in a larger sense we can not dedicate
we can not consecrate we can not hallow this ground . The brave men living and dead who struggled here have consecrated it
far above our poor power to add or detract . The world will little note nor long remember what we say here but it can never
forget what they did here .`;
const VOCABULARY = 50_000;
const DIM = 48;
const STEPS = 20;
const RATE = 0.3;

const words = TEXT.toLowerCase().split(/\s+/);
const known = [...new Set(words)];
const tokens = words.map((word) => known.indexOf(word));
const rows = tokens.length - 2; // each is predicted from the two before it

let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32 - 0.5;
};
const parameters = (count) => ({
  values: Float32Array.from({ length: count * DIM }, () => 0.2 * random()),
  squares: new Float32Array(count * DIM).fill(1e-6),
});
const last = parameters(known.length); // one embedding of the last word, one of the word before
const before = parameters(known.length);
const classifier = parameters(VOCABULARY);

/** Adagrad: steps are the shorter, the larger gradients have been. */
function descend({ values, squares }, at, gradient) {
  for (let k = 0; k < gradient.length; k++) {
    squares[at + k] += gradient[k] ** 2;
    values[at + k] -= (RATE * gradient[k]) / Math.sqrt(squares[at + k]);
  }
}

const hidden = tensor(new Float32Array(rows * DIM), [rows, DIM]);
const targets = tensor(Int32Array.from(tokens.slice(2)));
const out = { hidden: zeros([rows, DIM]), classifier: zeros([VOCABULARY, DIM]) };
const inputs = { hidden, classifier: tensor(classifier.values, [VOCABULARY, DIM]), targets };

for (let step = 0; step <= STEPS; step++) {
  const h = hidden.dataSync();
  for (let row = 0; row < rows; row++) {
    const [a, b] = [tokens[row + 1] * DIM, tokens[row] * DIM];
    for (let k = 0; k < DIM; k++) h[row * DIM + k] = last.values[a + k] + before.values[b + k];
  }
  const { loss, argmax } = await cutCrossEntropy(inputs, {
    grads: true,
    out,
    outputs: ['argmax'],
    workspaceBytes: 2 ** 22,
  });

  if (step % 4 === 0) {
    const right = argmax.dataSync().filter((word, row) => word === tokens[row + 2]).length;
    console.log(
      `step ${String(step).padStart(2)}   loss ${loss.toFixed(3)}   ${right} of ${rows} words foretold`,
    );
  }
  const dh = out.hidden.dataSync();
  for (let row = 0; row < rows; row++) {
    const gradient = dh.subarray(row * DIM, (row + 1) * DIM);
    descend(last, tokens[row + 1] * DIM, gradient);
    descend(before, tokens[row] * DIM, gradient);
  }
  descend(classifier, 0, out.classifier.dataSync());
}

const { peakBytes } = memory().find(({ device }) => device === 'cpu');
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
console.log(
  `scratch memory: ${mebibytes(peakBytes)} at most; logits and their gradient would have been ${mebibytes(8 * rows * VOCABULARY)}`,
);
