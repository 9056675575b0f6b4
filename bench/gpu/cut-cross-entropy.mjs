// cutCrossEntropy on tensors that are on the GPU, beside a bare product of hidden and classifier (torch matmul) in the same
// run, PyTorch eager and compiled, and whatever of Apple's CCE, Liger and QuACK that Python can import. A product is 2 NVD
// flops; loss and gradients are counted as the 8 NVD that recomputing takes, 6 where logits are stored. Times are by the wall clock around
// calls, of which each waits for the work of the one before. The targets' logits stand out as in a trained model.
//
//   node bench/gpu/cut-cross-entropy.mjs [--python PATH] [--json FILE] [--small]
import { writeFileSync } from 'node:fs';
import { cutCrossEntropySync, memory, tensor, toBFloat16, zeros } from 'cutloss';
import { connect } from '../peer.mjs';
import { median, printTable } from '../table.mjs';
import { device, parseBench } from './on-device.mjs';

const options = parseBench('python');
const shapes = options.small
  ? [[40, 300, 64]]
  : [
      [8192, 256000, 2304],
      [16384, 128256, 4096],
      [4096, 151936, 4096],
      [8192, 131072, 4096],
    ];
const calls = options.small ? 1 : 5;
const kinds = ['eager', 'compiled', 'cce', 'liger', 'quack'];

const torch = options.python ? await connect('torch_cuda', options.python, 1) : 'no Python was given';
if (typeof torch === 'string') console.log(`torch: not measured, ${torch}`);
const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);
const results = [];
const table = [];
for (const shape of shapes) await measure(...shape);
console.log();
printTable(table);
if (typeof torch !== 'string') torch.close();

async function ask(workload) {
  if (typeof torch === 'string') return { error: torch };
  try {
    return await torch.run(workload);
  } catch (error) {
    return { error: error.message };
  }
}

/** Normally distributed numbers: a stretch of prime length, repeated. */
function normal(count, size) {
  const stretch = new Float32Array(1048573).map(
    () => size * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  );
  const values = toBFloat16(stretch);
  const data = new Uint16Array(count);
  for (let at = 0; at < count; at += values.length) data.set(values.subarray(0, count - at), at);
  return data;
}

function widen(bits) {
  word[0] = bits << 16;
  return float[0];
}

/** hidden of a row: noise, and so much of its target's class that the target's probability is 0.6 on average. */
function makeInputs(rows, classes, dim) {
  const classifier = normal(classes * dim, 1);
  const noise = normal(rows * dim, 1 / Math.sqrt(dim));
  const targets = new Int32Array(rows).map(() => Math.floor(Math.random() * classes));
  const hidden = new Float32Array(rows * dim);
  for (let i = 0; i < rows; i++) {
    const pull = (Math.log(classes) + 8 * Math.random() - 3) / dim;
    const from = targets[i] * dim;
    for (let k = 0; k < dim; k++) {
      hidden[i * dim + k] = pull * widen(classifier[from + k]) + widen(noise[i * dim + k]);
    }
  }
  return {
    hidden: tensor(toBFloat16(hidden), [rows, dim], 'bfloat16'),
    classifier: tensor(classifier, [classes, dim], 'bfloat16'),
    targets: tensor(targets, [rows]),
  };
}

function seconds(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

async function measure(rows, classes, dim) {
  const host = makeInputs(rows, classes, dim);
  const inputs = Object.fromEntries(Object.entries(host).map(([name, each]) => [name, each.toSync(device)]));
  const out = {
    hidden: zeros([rows, dim], 'bfloat16', device),
    classifier: zeros([classes, dim], 'bfloat16', device),
  };
  const product = 2 * rows * classes * dim;
  const both = { hidden: true, classifier: true };
  const works = [
    { name: 'forward', flops: product, ask: {}, peers: kinds },
    { name: 'loss + gradients, exact', flops: 4 * product, ask: { grads: true, out }, peers: kinds },
    {
      name: 'loss + gradients, logits stored',
      flops: 3 * product,
      ask: { grads: true, out, workspaceBytes: 4 * rows * classes + 2 ** 31 },
      peers: [],
    },
    {
      name: 'loss + gradients, filtered',
      flops: 4 * product,
      ask: { grads: true, out, gradientFilter: both },
      peers: ['cce'],
    },
    {
      name: 'loss + gradients, filtered and sorted',
      flops: 4 * product,
      ask: {
        grads: true,
        out,
        gradientFilter: { ...both, sortVocabulary: true },
        workspaceBytes: 4 * classes * dim + 2 ** 29,
      },
      peers: [],
    },
  ];
  const bare = await ask({ cut: 'matmul', rows, classes, dim, calls });
  const bareRate = bare.seconds ? product / median(bare.seconds) : undefined;
  const shape = `${rows} x ${classes} x ${dim}`;
  if (bareRate) console.log(`${shape}: torch matmul ${(bareRate / 1e12).toFixed(0)} TFLOP/s`);
  for (const work of works) {
    const first = cutCrossEntropySync(inputs, work.ask);
    cutCrossEntropySync(inputs, work.ask);
    const time = median(
      Array.from({ length: calls }, () => seconds(() => cutCrossEntropySync(inputs, work.ask))),
    );
    const used = memory().find((each) => each.device === device);
    const rate = work.flops / time;
    const result = {
      rows,
      classes,
      dim,
      work: work.name,
      seconds: time,
      TFLOPs: rate / 1e12,
      ofMatmul: bareRate && rate / bareRate,
      extraBytes: used.peakBytes - used.bytes,
      keptTiles: first.keptTiles,
      loss: first.loss,
    };
    const row = {
      shape,
      work: work.name,
      ms: (time * 1e3).toFixed(2),
      'TFLOP/s': (rate / 1e12).toFixed(0),
      'of matmul': bareRate ? `${((100 * rate) / bareRate).toFixed(0)} %` : '–',
      'extra MiB': (result.extraBytes / 2 ** 20).toFixed(0),
    };
    for (const kind of work.peers) {
      const answer = await ask({ cut: kind, rows, classes, dim, calls, gradient: work.name !== 'forward' });
      result[kind] = answer.seconds
        ? { seconds: median(answer.seconds), peakBytes: answer.peakBytes }
        : answer;
      if (answer.seconds) row[`${kind} ms`] = (median(answer.seconds) * 1e3).toFixed(2);
    }
    results.push(result);
    table.push(row);
    if (options.json) writeFileSync(options.json, JSON.stringify({ torch: torch.version ?? torch, results }));
  }
  await ask({ forget: true });
  for (const each of [...Object.values(inputs), ...Object.values(out)]) each.dispose();
}
