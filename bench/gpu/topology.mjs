// bettiMatching with its gradient on tensors that are on the GPU, for batches of the sizes at which it is trained. Times
// are by the wall clock around calls that return when the work is done. Beside it stand the CPU engine with all its
// threads, whose result the GPU's must be, and Betti-Matching-3D (`--python` names a Python that can import it), which
// computes the matching of one field alone, in CPU time.
//
//   node bench/gpu/topology.mjs [--python PROGRAM] [--json FILE] [--small]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bettiMatchingSync, tensor, zeros } from 'cutloss';
import { connect } from '../peer.mjs';
import { inputs } from '../suites/topology.mjs';
import { median, printTable } from '../table.mjs';
import { device, parseBench, sameNumbers, seconds } from './on-device.mjs';

const options = parseBench('python');

const shapes = options.small
  ? [
      { batch: 3, space: [24, 20] },
      { batch: 2, space: [6, 5, 7] },
    ]
  : [
      { batch: 16, space: [1024, 1024] },
      { batch: 2, space: [128, 128, 128] },
    ];
const peer = options.python ? await connect('betti_matching', options.python, 1) : 'no Python was named';
if (typeof peer === 'string') console.log(`without Betti-Matching-3D: ${peer}`);

const results = [];
const table = [];
for (const shape of shapes) for (const kind of ['noise', 'smooth']) await measure(shape, kind);
if (typeof peer !== 'string') peer.close();
console.log();
printTable(table);

async function measure({ batch, space }, kind) {
  const shape = [batch, ...space];
  const host = inputs(kind, space, batch);
  const there = {
    prediction: tensor(host.prediction.data, shape).toSync(device),
    target: tensor(host.target.data, shape).toSync(device),
  };
  const out = { prediction: zeros(shape, 'float32', device) };
  const onGpu = () => bettiMatchingSync(there, { grads: true, out });
  let ofCpu;
  const cpu = seconds(() => {
    ofCpu = bettiMatchingSync(host, { grads: true, device: 'cpu' });
  });
  const ofGpu = onGpu();
  const agrees =
    Math.abs(ofGpu.loss - ofCpu.loss) <= 1e-9 * Math.abs(ofCpu.loss) &&
    sameNumbers(out.prediction.dataSync(), ofCpu.grads.prediction.dataSync());
  const calls = options.small ? 1 : space.length === 2 ? 10 : 3;
  const time = median(Array.from({ length: calls }, () => seconds(onGpu)));
  const theirs = typeof peer === 'string' ? undefined : await peerSeconds(host, space);

  results.push({ shape, kind, seconds: time, cpu, peer: theirs, agrees });
  table.push({
    shape: `[${shape.join(', ')}]`,
    fields: kind,
    'ms a field': ((1e3 * time) / batch).toFixed(3),
    'CPU engine': `${(cpu / time).toFixed(1)} ×`,
    'Betti-Matching-3D': theirs ? `${((theirs * batch) / time).toFixed(1)} ×` : '–',
  });
  if (options.json) writeFileSync(options.json, JSON.stringify({ results }));
  for (const each of [there.prediction, there.target, out.prediction]) each.dispose();
}

/** For the first field of the batch. */
async function peerSeconds(host, space) {
  const voxels = space.reduce((a, b) => a * b, 1);
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-bench-'));
  try {
    const files = Object.entries(host).map(([name, { data }]) => {
      writeFileSync(join(folder, name), data.subarray(0, voxels));
      return [name, join(folder, name)];
    });
    return (await peer.run({ shape: space, filtration: 'superlevel', ...Object.fromEntries(files) })).seconds;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
