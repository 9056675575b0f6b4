// 400 training steps: from host memory and from the GPU's, on the spot and awaited, with a fresh gradient and with `out`.
// What the engine holds returns to the same number, and neither the GPU's memory nor the process grows. argv: 'small' or
// 'large'.
import { crossEntropy, crossEntropySync, devices, memory, tensor, zeros } from 'cutloss';
import { expectedLoss, isClose, must, problem } from '../../../test/hazards/children/work.mjs';

const [rows, classes] = process.argv[2] === 'small' ? [16, 300] : [512, 8192];
const steps = 400;
const warmUp = 100;
const mostGrowth = 24 * 2 ** 20;

const host = problem(rows, classes);
const exact = expectedLoss(host);
const onGpu = {
  logits: tensor(host.logits.data, host.logits.shape).toSync('cuda:0'),
  targets: tensor(host.targets.data, host.targets.shape).toSync('cuda:0'),
};
const out = { logits: zeros([rows, classes], 'float32', 'cuda:0') };
const found = (list) => list.find(({ device }) => device === 'cuda:0');
function state() {
  globalThis.gc();
  const { tensors, bytes, workspaceBytes } = found(memory());
  return {
    tensors,
    bytes,
    workspaceBytes,
    free: found(devices()).freeMemory,
    resident: process.memoryUsage.rss(),
  };
}

let before;
for (let step = 0; step < steps; step++) {
  if (step === warmUp) before = state();
  const call = step % 2 ? crossEntropy : crossEntropySync;
  const inputs = step % 4 < 2 ? host : onGpu;
  const options = inputs === onGpu && step % 3 === 0 ? { grads: true, out } : { grads: true };
  const { loss, grads } = await call(inputs, options);
  must(isClose(loss, exact), `step ${step}: ${loss} instead of ${exact}`);
  if (!options.out) grads.logits.dispose();
}
const after = state();
for (const name of ['tensors', 'bytes', 'workspaceBytes']) {
  must(after[name] === before[name], `${name} went from ${before[name]} to ${after[name]}`);
}
const taken = before.free - after.free;
must(taken <= 2 * 2 ** 20, `the GPU lost ${taken} bytes`);
const growth = after.resident - before.resident;
must(growth <= mostGrowth, `the process grew by ${growth} bytes`);
console.log(JSON.stringify({ 'GPU MiB taken': taken / 2 ** 20, 'process MiB grown': growth / 2 ** 20 }));
