// One call of cutCrossEntropy in a process of its own: prints the bytes it needed beyond inputs and gradients.
import { resident, settle, startPeak } from './resident.mjs';
import { call, makeInputs, makeOut } from './suites/rows.mjs';

const [, , work, dtype, data, ...axes] = process.argv;
const shape = axes.map(Number);
const inputs = makeInputs(shape, dtype, data);
const out = makeOut(shape, dtype);
for (const tensor of Object.values(out)) new Uint8Array(tensor.dataSync().buffer).fill(1);
const small = [64, shape[1], 500];
for (let i = 0; i < 3; i++) call(work, makeInputs(small, dtype, data), makeOut(small, dtype));
await settle();
const before = resident('VmRSS');
startPeak();
call(work, inputs, out);
console.log(resident('VmHWM') - before);
