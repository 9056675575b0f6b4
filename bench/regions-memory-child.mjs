// One call in a process of its own: prints the bytes it needed beyond inputs and gradient (see memory.mjs).
import { zeros } from 'cutloss';
import { resident, settle, startPeak } from './resident.mjs';
import { call, makeInputs } from './suites/regions.mjs';

const [, , work, layout, described] = process.argv;
const shape = JSON.parse(described);

const make = (of) => {
  const inputs = makeInputs(of, layout);
  const out = { predictions: zeros(inputs.predictions.shape, 'float32') };
  new Uint8Array(out.predictions.dataSync().buffer).fill(1);
  return () => call(work, inputs, of, layout, out);
};
const small = make({ ...shape, batch: 1, space: [64, 64] });
for (let i = 0; i < 3; i++) small();
const large = make(shape);
await settle();
const before = resident('VmRSS');
startPeak(); // the peak starts again from here
large();
console.log(resident('VmHWM') - before);
