// One call in a process of its own: prints the bytes it needed beyond inputs and gradient (see memory.mjs).
import { crossEntropySync, zeros } from 'cutloss';
import { resident, settle, startPeak } from './resident.mjs';
import { makeInputs } from './suites/cross-entropy.mjs';

const [, , work, dtype, rows, classes] = process.argv;

const options = work === 'forward' ? {} : { grads: true };
const inputs = makeInputs(Number(rows), Number(classes), dtype);
const small = makeInputs(64, Number(classes), dtype);
for (let i = 0; i < 3; i++) crossEntropySync(small, options);
if (work.endsWith('out')) {
  options.out = { logits: zeros([Number(rows), Number(classes)], dtype) };
  new Uint8Array(options.out.logits.dataSync().buffer).fill(1);
}
await settle();
const before = resident('VmRSS');
startPeak(); // the peak starts again from here
const result = crossEntropySync(inputs, options);
const gradient = work === 'loss + gradient' ? result.grads.logits.byteLength : 0;
console.log(resident('VmHWM') - before - gradient);
