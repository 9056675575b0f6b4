// The GPU itself is full, not the budget (which CUTLOSS_GPU_MEMORY_BUDGET must have lifted): its memory is taken through
// the addon until nothing is left. Then a step must fail with a typed error, and work once the memory is given back.
import { createRequire } from 'node:module';
import { crossEntropy, crossEntropySync, memory } from 'cutloss';
import { expectedLoss, isClose, must, problem } from '../../../test/hazards/children/work.mjs';

const addon = createRequire(import.meta.url)('node-gyp-build')(process.cwd()); // the one that cutloss has loaded
const inputs = problem(2048, 4096); // 32 MiB
const exact = expectedLoss(inputs);
must(isClose(crossEntropySync(inputs).loss, exact), 'it works beforehand');

let taken = 0;
let refusal;
for (let round = 0; round < 2; round++) {
  const handles = [];
  for (let bytes = 2 ** 30; bytes >= 2 ** 20; bytes /= 4) {
    for (;;) {
      const handle = addon.allocate(0, bytes);
      if (handle.code !== undefined) {
        refusal = handle.message;
        break;
      }
      handles.push(handle);
      if (round === 0) taken += bytes;
    }
  }
  for (const call of [crossEntropySync, crossEntropy]) {
    try {
      await call(inputs, { grads: true });
      must(false, 'a step worked on a full GPU');
    } catch (error) {
      must(error.code === 'ERR_CUTLOSS_MEMORY', `${error.stack}`);
    }
  }
  must(isClose(crossEntropySync(inputs, { device: 'cpu' }).loss, exact), 'the CPU does not care');
  for (const handle of handles) addon.release(handle);
  must(isClose(crossEntropySync(inputs, { grads: true }).loss, exact), 'it works again');
}
const { bytes, workspaceBytes } = memory().find(({ device }) => device === 'cuda:0');
must(bytes + workspaceBytes === 0, `${bytes} + ${workspaceBytes} bytes are held`);
console.log(JSON.stringify({ 'GiB taken': taken / 2 ** 30, refusal }));
