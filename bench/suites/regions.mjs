// dice beside the ways it is written in PyTorch: bound by memory, so held against the bytes it must move, which are the
// logits three times (read, read again, gradient) and the labels twice. Gradients go to memory that is kept, as a training
// loop does; the peer's are kept by its allocator. Peers lay channels first, whatever our layout is.
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
    for (const work of Object.keys(works)) {
      const contestants = [
        ...all.map(({ layout, inputs, out }) => ({
          layout,
          times: [],
          run: () => ({ seconds: seconds(() => call(work, inputs, shape, layout, out)) }),
        })),
        ...peers.flatMap((peer) =>
          variants.map((variant) => ({
            name: `${peer.name} ${variant}`,
            times: [],
            run: () => peer.run({ suite: 'regions', ...shape, ...works[work], variant }),
          })),
        ),
      ];
      for (let round = 0; round < rounds; round++) {
        for (const contestant of contestants) {
          const answer = await takeTurn(contestant.run);
          contestant.times.push(answer.seconds);
          contestant.bytes = answer.bytes;
        }
      }
      const rivals = contestants.filter(({ name }) => name);
      for (const { layout, times } of contestants.slice(0, layouts.length)) {
        const time = median(times);
        const rate = moved / time / 1e9;
        const extra = extraMemory('regions-memory-child', work, layout, JSON.stringify(shape));
        const row = {
          shape: `[${nameOf(shape).join(', ')}]`,
          layout,
          work,
          ms: (time * 1000).toFixed(1),
          'GB/s': rate.toFixed(1),
          'of a copy': limits ? `${((100 * rate) / limits.copy).toFixed(0)} %` : '–',
          'extra MiB': (extra / 2 ** 20).toFixed(2),
          figure: figure(`${work}, ${shape.activation}, ${layout}`, count(shape), 'logits', [
            ['cutloss', 1000 * time, extra + 4 * count(shape)],
            ...rivals.map(({ name, times: theirs, bytes }) => [name, 1000 * median(theirs), bytes]),
          ]),
        };
        for (const { name, times: theirs } of rivals) {
          row[`${name} ms`] = (median(theirs) * 1000).toFixed(0);
        }
        if (rivals.length > 0) {
          const [eager] = rivals;
          const best = Math.min(...rivals.map(({ times: theirs }) => median(theirs)));
          row[`ours / ${eager.name}`] = (time / median(eager.times)).toFixed(3);
          row['ours / best'] = (time / best).toFixed(3);
        }
        table.push(row);
      }
    }
  }
  return table;
}

const count = (shape) => nameOf(shape).reduce((a, b) => a * b);
const nameOf = ({ batch, classes, space }) => [batch, classes, ...space];
