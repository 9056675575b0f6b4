// crossEntropy on logits that exist: bound by memory, so held against the bytes it must move. Forward reads the logits
// once; with the gradient they are read once and written once. The gradient goes to fresh memory, as PyTorch's does, and
// once more to memory the caller brought (`out`), which spares the page faults.
import { crossEntropySync, tensor, toBFloat16, toFloat16, zeros } from 'cutloss';
import { extraMemory } from '../memory.mjs';
import { figure, median } from '../table.mjs';
import { seconds, takeTurn } from '../turns.mjs';

const shapes = {
  full: [
    [512, 32000],
    [2048, 32000],
    [8192, 32000],
  ],
  small: [[512, 4000]],
};

/** Normally distributed logits; a short stretch repeated, because making 10⁹ of them would take longer than the bench. */
export function makeInputs(rows, classes, dtype) {
  const stretch = new Float32Array(1048573).map(
    () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  );
  const values =
    dtype === 'float32' ? stretch : dtype === 'bfloat16' ? toBFloat16(stretch) : toFloat16(stretch);
  const data = dtype === 'float32' ? new Float32Array(rows * classes) : new Uint16Array(rows * classes);
  for (let at = 0; at < data.length; at += values.length) data.set(values.subarray(0, data.length - at), at);
  const targets = new Int32Array(rows).map(() => Math.floor(Math.random() * classes));
  return { logits: tensor(data, [rows, classes], dtype), targets: { data: targets, shape: [rows] } };
}

export async function crossEntropySuite({ peers, limits, rounds, small }) {
  const table = [];
  for (const dtype of ['float32', 'bfloat16', 'float16'])
    for (const shape of small ? shapes.small : shapes.full)
      table.push(...(await measure(shape, dtype, { peers, limits, rounds })));
  return table;
}

async function measure([rows, classes], dtype, { peers, limits, rounds }) {
  const table = [];
  const inputs = makeInputs(rows, classes, dtype);
  const bytes = inputs.logits.byteLength;
  const out = { logits: zeros([rows, classes], dtype) };
  const works = [
    {
      name: 'forward',
      gradient: false,
      moved: bytes,
      limit: limits?.read,
      run: () => crossEntropySync(inputs),
    },
    {
      name: 'loss + gradient',
      gradient: true,
      moved: 2 * bytes,
      limit: limits?.copy,
      run: () => crossEntropySync(inputs, { grads: true }),
    },
    {
      name: 'loss + gradient, out',
      gradient: true,
      brought: true,
      moved: 2 * bytes,
      limit: limits?.copy,
      run: () => crossEntropySync(inputs, { grads: true, out }),
    },
  ];
  for (const work of works) {
    const ours = [];
    const theirs = peers.map(() => []);
    const workload = { rows, classes, dtype, gradient: work.gradient };
    let answers = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await takeTurn(() => seconds(work.run)));
      answers = [];
      for (const [i, peer] of peers.entries()) {
        answers.push(await takeTurn(() => peer.run(workload)));
        theirs[i].push(answers[i].seconds);
      }
    }
    const time = median(ours);
    const rate = work.moved / time / 1e9;
    const extra = extraMemory('memory-child', work.name, dtype, rows, classes);
    const row = {
      shape: `[${rows}, ${classes}]`,
      dtype,
      work: work.name,
      ms: (time * 1000).toFixed(1),
      'GB/s': rate.toFixed(1),
      'of the limit': work.limit ? `${((100 * rate) / work.limit).toFixed(0)} %` : '–',
      'extra MiB': (extra / 2 ** 20).toFixed(2),
    };
    for (const [i, peer] of peers.entries()) {
      const theirTime = median(theirs[i]);
      row[`${peer.name} ms`] = (theirTime * 1000).toFixed(1);
      // PyTorch's gradient is always fresh memory: only ours is comparable that is, too
      row[`ours / ${peer.name}`] = work.brought ? '–' : (time / theirTime).toFixed(3);
    }
    const others = peers.map(({ name }, i) => [name, 1000 * median(theirs[i]), answers[i].bytes]);
    if (!work.brought) {
      const taken = extra + (work.gradient ? bytes : 0);
      row.figure = figure(`${work.name}, ${dtype}`, rows * classes, 'logits', [
        ['cutloss', 1000 * time, taken],
        ...others,
      ]);
    }
    table.push(row);
  }
  return table;
}
