// Takes a buffer away from a job in flight and collects garbage until it ends. argv: how it is taken, and which.
// The call must end in the right answer or in ERR_CUTLOSS_DETACHED; what it must not do is crash.

import { crossEntropy, crossEntropySync } from 'cutloss';
import { expectedLoss, isClose, must, problem } from './work.mjs';

const [how, which] = process.argv.slice(2);
const wasm = how === 'grow' ? new WebAssembly.Memory({ initial: 512, maximum: 2048 }) : undefined;
const make = (n) => (wasm ? new Float32Array(wasm.buffer, 0, n) : new Float32Array(n));

const take = {
  clone: (buffer) => structuredClone(buffer, { transfer: [buffer] }),
  post: (buffer) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(buffer, [buffer]);
    port1.close();
    port2.close();
  },
  transfer: (buffer) => buffer.transfer?.(0),
  grow: () => wasm.grow(16),
}[how];

const rows = 600;
const expected = expectedLoss(problem(rows, 4096));
for (let round = 0; round < 4; round++) {
  const inputs = problem(rows, 4096, which === 'logits' ? make : undefined);
  const out = {
    logits: {
      data: which === 'out' ? make(rows * 4096) : new Float32Array(rows * 4096),
      shape: [rows, 4096],
    },
  };
  const victim =
    which === 'out' ? out.logits.data : which === 'targets' ? inputs.targets.data : inputs.logits.data;
  const pending = crossEntropy(inputs, { grads: true, out });
  try {
    take(victim.buffer);
  } catch (error) {
    must(
      error.name === 'DataCloneError' || error instanceof TypeError || error instanceof RangeError,
      `taking failed with ${error}`,
    );
  }
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    new Float32Array(1 << 20).fill(i); // reuse what was freed
  }
  try {
    const { loss } = await pending;
    must(isClose(loss, expected), `${loss} instead of ${expected}`);
    process.stdout.write('right ');
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_DETACHED', `${error.stack}`);
    process.stdout.write('detached ');
  }
}
// A buffer that is already gone is an error, and the package works on.
const gone = problem(8, 8);
structuredClone(gone.logits.data.buffer, { transfer: [gone.logits.data.buffer] });
try {
  crossEntropySync(gone);
  must(false, 'a detached buffer was accepted');
} catch (error) {
  must(error.code === 'ERR_CUTLOSS_DETACHED', `${error.stack}`);
}
const fresh = problem(8, 8);
must(isClose(crossEntropySync(fresh).loss, expectedLoss(fresh)), 'the next call is right');
