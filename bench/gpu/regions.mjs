// dice on tensors that are on the GPU, loss and gradient into memory that is kept. Times are by the wall clock around
// calls that return when the work is done. Held against a copy on the device: what must move is the logits three times
// and the labels twice.
//
//   node bench/gpu/regions.mjs [--device-copy PROGRAM] [--json FILE] [--small]
import { writeFileSync } from 'node:fs';
import { diceSync, fromBFloat16, tensor, toBFloat16, zeros } from 'cutloss';
import { median, printTable } from '../table.mjs';
import { copyLimit, device, parseBench, seconds } from './on-device.mjs';

const options = parseBench('device-copy');

const shapes = options.small
  ? [{ batch: 2, space: [5, 8], classes: 3 }]
  : [
      { batch: 4, space: [512, 1024], classes: 19 },
      { batch: 2, space: [128, 128, 128], classes: 4 },
      { batch: 8, space: [1024, 1024], classes: 2, activation: 'sigmoid' },
      { batch: 1, space: [128, 128, 128], classes: 104 },
    ];
const calls = options.small ? 1 : 20;
const limits = copyLimit(options['device-copy']);
console.log(
  limits.GBs > 0
    ? `copy on the device: ${limits.GBs.toFixed(0)} GB/s, read + write (${limits.how})`
    : 'copy on the device: not measured',
);

const results = [];
const table = [];
for (const shape of shapes) {
  for (const layout of ['channelsFirst', 'channelsLast']) {
    for (const dtype of ['float32', 'bfloat16']) measure(shape, layout, dtype);
  }
}
console.log();
printTable(table);

function measure({ batch, space, classes, activation = 'softmax' }, layout, dtype) {
  const pixels = batch * space.reduce((a, b) => a * b, 1);
  const shape = layout === 'channelsFirst' ? [batch, classes, ...space] : [batch, ...space, classes];
  const host = makeInputs(shape, [batch, ...space], classes, dtype);
  const predictions = host.predictions.toSync(device);
  const targets = tensor(host.targets.data, host.targets.shape).toSync(device);
  const out = { predictions: zeros(shape, dtype, device) };
  const ask = { activation, layout, grads: true };

  const onCpu = diceSync(host, { ...ask, device: 'cpu' });
  const onGpu = diceSync({ predictions, targets }, { ...ask, out });
  const agrees =
    Math.abs(onGpu.loss - onCpu.loss) <= 1e-6 &&
    agree(out.predictions.dataSync(), onCpu.grads.predictions.dataSync(), dtype);
  const times = Array.from({ length: calls }, () =>
    seconds(() => diceSync({ predictions, targets }, { ...ask, out })),
  );

  const time = median(times);
  const moved = 3 * host.predictions.byteLength + 2 * 4 * pixels;
  const GBs = moved / time / 1e9;
  const result = {
    shape,
    layout,
    dtype,
    activation,
    seconds: time,
    fastest: Math.min(...times),
    GBs,
    agrees,
  };
  if (limits.GBs > 0) result.ofCopy = GBs / limits.GBs;
  results.push(result);
  table.push({
    shape: `[${shape.join(', ')}]`,
    dtype,
    activation,
    'ideal MB': (moved / 1e6).toFixed(0),
    ms: (time * 1e3).toFixed(3),
    'GB/s': GBs.toFixed(0),
    'of a copy': limits.GBs > 0 ? `${((100 * GBs) / limits.GBs).toFixed(0)} %` : '–',
  });
  if (options.json) writeFileSync(options.json, JSON.stringify({ limits: { copy: limits }, results }));
  for (const each of [predictions, targets, out.predictions]) each.dispose();
}

function makeInputs(shape, leading, classes, dtype) {
  const count = shape.reduce((a, b) => a * b, 1);
  const stretch = Float32Array.from({ length: 1048573 }, () => 4 * Math.random() - 2);
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += stretch.length) values.set(stretch.subarray(0, count - at), at);
  const ids = new Int32Array(count / classes).map(() => Math.floor(Math.random() * classes));
  const data = dtype === 'float32' ? values : toBFloat16(values);
  return { predictions: tensor(data, shape, dtype), targets: { data: ids, shape: leading } };
}

/** Gradients are differences: what two engines round differently is judged by the largest element. */
function agree(a, b, dtype) {
  const [x, y] = dtype === 'float32' ? [a, b] : [fromBFloat16(a), fromBFloat16(b)];
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < x.length; i++) {
    largest = Math.max(largest, Math.abs(y[i]));
    difference = Math.max(difference, Math.abs(x[i] - y[i]));
  }
  return difference <= largest * 2 ** (dtype === 'float32' ? -20 : -7);
}
