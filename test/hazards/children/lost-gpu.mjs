// The GPU is lost to the process at some moment, as after an illegal address. From then on every call on it ends in
// ERR_CUTLOSS_CUDA, at once; the CPU computes on. Prints how many calls went well before.

import { crossEntropy, crossEntropySync, devices, memory, tensor } from 'cutloss';
import { expectedLoss, isClose, must, problem } from './work.mjs';

const inputs = problem(8, 32);
const exact = expectedLoss(inputs);
const onGpu = [
  () => crossEntropySync(inputs, { device: 'cuda:0', grads: true }),
  () => crossEntropy(inputs, { device: 'cuda:0', grads: true }),
  () =>
    crossEntropySync({
      logits: tensor(inputs.logits.data, [8, 32]).toSync('cuda:0'),
      targets: tensor(inputs.targets.data, [8]).toSync('cuda:0'),
    }),
];
let well = 0;
let lost = false;
for (let i = 0; i < 30; i++) {
  try {
    const { loss } = await onGpu[i % 3]();
    must(!lost, 'a GPU that is lost does not come back');
    must(isClose(loss, exact), `${loss} instead of ${exact}`);
    well++;
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_CUDA', error.stack);
    lost = true;
  }
  must(isClose(crossEntropySync(inputs, { device: 'cpu' }).loss, exact), 'the CPU computes on');
}
must(lost, 'it was lost');
must(devices().length === 1, 'it is no device any more');
must(
  memory().every(({ workspaceBytes }) => workspaceBytes === 0),
  'nothing is held',
);
console.log(JSON.stringify({ well }));
