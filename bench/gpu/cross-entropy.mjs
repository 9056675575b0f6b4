// crossEntropy on tensors that are on the GPU, beside PyTorch's, eager and compiled, where a Python with torch is given.
// Times are by the wall clock around calls that return when the work is done. Held against a copy on the device, measured
// in the same run: the bytes that must move (forward reads the logits, the gradient is written besides) over the time.
//
//   node bench/gpu/cross-entropy.mjs [--device-copy PROGRAM] [--python PATH] [--json FILE] [--small]
import { writeFileSync } from 'node:fs';
import { crossEntropySync, devices, tensor, zeros } from 'cutloss';
import { connect } from '../peer.mjs';
import { makeInputs } from '../suites/cross-entropy.mjs';
import { median, printTable } from '../table.mjs';
import { copyLimit, device, parseBench, sameNumbers, seconds } from './on-device.mjs';

const options = parseBench('device-copy', 'python');
const shapes = options.small
  ? [[64, 500]]
  : [
      [8192, 32000],
      [16384, 128256],
    ];
const dtypes = ['float32', 'bfloat16'];
const turns = 3; // ours and theirs alternate
const callsInTurn = options.small ? 1 : 10;
const kinds = ['eager', 'compiled'];

const torch = options.python ? await connect('torch_cuda', options.python, 1) : 'no Python was given';
if (typeof torch === 'string') console.log(`torch: not measured, ${torch}`);
const limits = copyLimit(options['device-copy']);
console.log(
  limits.GBs > 0
    ? `copy on the device: ${limits.GBs.toFixed(0)} GB/s, read + write (${limits.how})`
    : 'copy on the device: not measured',
);
const copyOfTorch = typeof torch === 'string' ? undefined : (await ask({ copy: 4 * 2 ** 30 }))?.GBs;
if (copyOfTorch > 0) console.log(`torch copy_: ${copyOfTorch.toFixed(0)} GB/s`);
const limit = Math.max(limits.GBs ?? 0, copyOfTorch ?? 0);

const results = [];
const table = [];
for (const [rows, classes] of shapes) for (const dtype of dtypes) await measure(rows, classes, dtype);
console.log();
printTable(table);
if (typeof torch !== 'string') torch.close();

/** After every shape: what was measured stays, whatever happens to the rest. */
function write() {
  if (!options.json) return;
  const report = { limits: { copy: limits, torchCopy: copyOfTorch }, torch: torch.version ?? torch, results };
  writeFileSync(options.json, JSON.stringify(report));
}

/** What torch answers, or the reason why it does not: out of memory, or no compiler for torch.compile. */
async function ask(workload) {
  try {
    return await torch.run(workload);
  } catch (error) {
    return { error: error.message };
  }
}

async function measure(rows, classes, dtype) {
  const bytes = rows * classes * (dtype === 'float32' ? 4 : 2);
  const free = devices().find((info) => info.device === device).freeMemory;
  const shape = `[${rows}, ${classes}]`;
  if (2.2 * bytes > free) {
    console.log(`${shape} ${dtype}: not measured, it needs ${(2.2 * bytes) / 1e9} GB of the GPU`);
    return;
  }
  const host = makeInputs(rows, classes, dtype);
  const logits = host.logits.toSync(device);
  const out = { logits: zeros([rows, classes], dtype, device) };
  const targets = tensor(host.targets.data, host.targets.shape).toSync(device);
  const inputs = { logits, targets };
  const works = [
    { name: 'forward', gradient: false, moved: bytes, ask: {} },
    { name: 'loss + gradient', gradient: true, moved: 2 * bytes, ask: { grads: true, out } },
  ];
  for (const work of works) {
    const agrees = agreement(host, inputs, work, out.logits, rows * classes);
    const ours = [];
    const theirs = { eager: [], compiled: [] };
    const notes = {};
    for (let turn = 0; turn < turns; turn++) {
      for (let call = 0; call < callsInTurn; call++)
        ours.push(seconds(() => crossEntropySync(inputs, work.ask)));
      for (const kind of typeof torch === 'string' ? [] : kinds) {
        if (notes[kind]) continue;
        const answer = await ask({ rows, classes, dtype, gradient: work.gradient, kind, calls: callsInTurn });
        if (answer.error) notes[kind] = answer.error;
        else theirs[kind].push(...answer.seconds);
      }
    }
    const time = median(ours);
    const rate = work.moved / time / 1e9;
    const row = {
      shape,
      dtype,
      work: work.name,
      ms: (time * 1e3).toFixed(3),
      'GB/s': rate.toFixed(0),
      'of a copy': limit > 0 ? `${((100 * rate) / limit).toFixed(0)} %` : '–',
    };
    const result = {
      rows,
      classes,
      dtype,
      work: work.name,
      seconds: time,
      fastest: Math.min(...ours),
      GBs: rate,
    };
    if (limit > 0) result.ofCopy = rate / limit;
    result.agrees = agrees;
    for (const kind of kinds) {
      if (theirs[kind].length > 0) {
        const theirTime = median(theirs[kind]);
        row[`torch ${kind} ms`] = (theirTime * 1e3).toFixed(3);
        row[`ours / ${kind}`] = (time / theirTime).toFixed(3);
        result[kind] = { seconds: theirTime, GBs: work.moved / theirTime / 1e9 };
      } else if (notes[kind]) {
        result[kind] = { error: notes[kind] };
        console.log(
          `${shape} ${dtype} ${work.name}: torch ${kind} not measured, ${notes[kind].split('\n')[0]}`,
        );
      }
    }
    table.push(row);
    results.push(result);
    write();
  }
  if (typeof torch !== 'string') await ask({ forget: true });
  for (const each of [logits, targets, out.logits]) each.dispose();
}

/**
 * Whether the GPU computes what the CPU does: the loss always, every element of the gradient where it is no larger than
 * a GiB. The two engines round differently, by a unit in the last place at most twice. Warms up as well.
 */
function agreement(host, inputs, work, gradient, elements) {
  const compared = work.gradient && elements <= 2 ** 28;
  const onCpu = crossEntropySync(host, { device: 'cpu', grads: compared });
  const onGpu = crossEntropySync(inputs, work.ask);
  crossEntropySync(inputs, work.ask);
  if (!(Math.abs(onGpu.loss - onCpu.loss) <= 1e-6 * Math.abs(onCpu.loss))) return false;
  return !compared || sameNumbers(gradient.dataSync(), onCpu.grads.logits.dataSync());
}
