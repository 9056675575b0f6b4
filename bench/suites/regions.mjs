// dice beside the ways it is written in PyTorch: bound by memory, so held against the bytes it must move, which are the
// logits three times (read, read again, gradient) and the labels twice. Gradients go to memory that is kept, as a training
// loop can; PyTorch takes its own anew, and pays for the pages (`--kept-heap`: it does not). Peers lay channels first, whatever our layout is.
import { diceSync, tensor, zeros } from 'cutloss';
import { extraMemory } from '../memory.mjs';
import { figure, median } from '../table.mjs';
import { seconds, takeTurn } from '../turns.mjs';

const softmax = { activation: 'softmax' };
const sigmoid = { activation: 'sigmoid' };
const shapes = {
  full: [
    { batch: 4, classes: 19, space: [512, 1024], ...softmax },
    { batch: 2, classes: 4, space: [128, 128, 128], ...softmax },
    { batch: 8, classes: 2, space: [1024, 1024], ...sigmoid },
    { batch: 1, classes: 104, space: [128, 128, 128], ...softmax },
  ],
  small: [{ batch: 2, classes: 5, space: [32, 32], ...softmax }],
};
const layouts = ['channelsFirst', 'channelsLast'];
/** How the peer writes it: MONAI's way; without one-hot labels; and the first of them, compiled. */
const variants = ['one-hot', 'gather', 'compiled'];

export const works = {
  dice: {},
  'dice + cross-entropy': { crossEntropy: 1 },
};

export function makeInputs({ batch, classes, space }, layout) {
  const shape = layout === 'channelsFirst' ? [batch, classes, ...space] : [batch, ...space, classes];
  const stretch = Float32Array.from({ length: 1048573 }, () => 4 * Math.random() - 2);
  const logits = new Float32Array(shape.reduce((a, b) => a * b));
  for (let at = 0; at < logits.length; at += stretch.length) {
    logits.set(stretch.subarray(0, logits.length - at), at);
  }
  const ids = new Int32Array(logits.length / classes).map(() => Math.floor(Math.random() * classes));
  return { predictions: tensor(logits, shape), targets: tensor(ids, [batch, ...space]) };
}

export function call(work, inputs, shape, layout, out) {
  return diceSync(inputs, { ...works[work], activation: shape.activation, layout, grads: true, out });
}

export async function regionsSuite({ peers, limits, rounds, small, shape: only }) {
  const table = [];
  const chosen = (small ? shapes.small : shapes.full).filter(
    (shape) => only === undefined || nameOf(shape).join('x') === only,
  );
  for (const shape of chosen) {
    const all = layouts.map((layout) => {
      const inputs = makeInputs(shape, layout);
      return { layout, inputs, out: { predictions: zeros(inputs.predictions.shape, 'float32') } };
    });
    const moved = 3 * all[0].inputs.predictions.byteLength + 2 * all[0].inputs.targets.byteLength;
    // Both works and both layouts are in one turn: what one takes of another is a figure of its own.
    const ours = Object.keys(works).flatMap((work) =>
      all.map(({ layout, inputs, out }) => ({
        layout,
        work,
        times: [],
        run: () => ({ seconds: seconds(() => call(work, inputs, shape, layout, out)) }),
      })),
    );
    const theirs = Object.keys(works).flatMap((work) =>
      peers.flatMap((peer) =>
        variants.map((variant) => ({
          name: `${peer.name} ${variant}`,
          work,
          times: [],
          run: () => peer.run({ suite: 'regions', ...shape, ...works[work], variant }),
        })),
      ),
    );
    for (let round = 0; round < rounds; round++) {
      for (const contestant of [...ours, ...theirs]) {
        const answer = await takeTurn(contestant.run);
        contestant.times.push(answer.seconds);
        contestant.bytes = answer.bytes;
      }
    }
    for (const contestant of [...ours, ...theirs]) contestant.time = median(contestant.times);
    const timeOf = (layout, work) => ours.find((one) => one.layout === layout && one.work === work).time;
    for (const { layout, work, time } of ours) {
      const rivals = theirs.filter((rival) => rival.work === work);
      const rate = moved / time / 1e9;
      const extra = extraMemory('regions-memory-child', work, layout, JSON.stringify(shape));
      const row = {
        shape: `[${nameOf(shape).join(', ')}]`,
        layout,
        work,
        ms: (time * 1000).toFixed(1),
        'of dice': (time / timeOf(layout, 'dice')).toFixed(2),
        'of channels first': (time / timeOf('channelsFirst', work)).toFixed(2),
        'GB/s': rate.toFixed(1),
        'of a copy': limits ? `${((100 * rate) / limits.copy).toFixed(0)} %` : '–',
        'extra MiB': (extra / 2 ** 20).toFixed(2),
        figure: figure(`${work}, ${shape.activation}, ${layout}`, count(shape), 'logits', [
          ['cutloss', 1000 * time, extra + 4 * count(shape)],
          ...rivals.map((rival) => [rival.name, 1000 * rival.time, rival.bytes]),
        ]),
      };
      for (const rival of rivals) row[`${rival.name} ms`] = (rival.time * 1000).toFixed(0);
      if (rivals.length > 0) {
        row[`ours / ${rivals[0].name}`] = (time / rivals[0].time).toFixed(3);
        row['ours / best'] = (time / Math.min(...rivals.map((rival) => rival.time))).toFixed(3);
      }
      table.push(row);
    }
  }
  return table;
}

const count = (shape) => nameOf(shape).reduce((a, b) => a * b);
const nameOf = ({ batch, classes, space }) => [batch, classes, ...space];
