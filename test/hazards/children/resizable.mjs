// Buffers that can shrink are refused wherever a buffer is taken, sync and async; nothing is read or written.

import { crossEntropy, crossEntropySync } from 'cutloss';
import { must, problem } from './work.mjs';

const resizable = (n) => new Float32Array(new ArrayBuffer(4 * n, { maxByteLength: 8 * n }));
const tracking = (n) => new Float32Array(new ArrayBuffer(4 * n, { maxByteLength: 8 * n }), 0, n);
const plain = problem(4, 6);

for (const make of [resizable, tracking]) {
  const ids = new Int32Array(new ArrayBuffer(16, { maxByteLength: 64 }));
  const out = make(24).fill(7);
  const cases = {
    logits: [problem(4, 6, make), {}],
    targets: [{ ...plain, targets: { data: ids, shape: [4] } }, {}],
    weights: [{ ...plain, weights: { data: make(4), shape: [4] } }, {}],
    classWeights: [{ ...plain, classWeights: { data: make(6), shape: [6] } }, {}],
    upstream: [plain, { reduction: 'none', grads: true, upstream: { data: make(4), shape: [4] } }],
    out: [plain, { grads: true, out: { logits: { data: out, shape: [4, 6] } } }],
  };
  for (const [name, [inputs, options]] of Object.entries(cases)) {
    for (const call of [crossEntropySync, crossEntropy]) {
      try {
        await call(inputs, options);
        must(false, `a resizable buffer was accepted for ${name}`);
      } catch (error) {
        must(error.code === 'ERR_CUTLOSS_DETACHED', `${name}: ${error.stack}`);
        must(/resiz/i.test(error.message), `the message says why: ${error.message}`);
      }
    }
  }
  must(
    out.every((value) => value === 7),
    'out is untouched',
  );
}
