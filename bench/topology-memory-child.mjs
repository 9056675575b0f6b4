// argv: threads, what the prediction is made of, the filtration, and the lengths of its axes. Prints the peak resident set of one call
// beyond what was resident before it. A small call first: threads and code pages are not counted.
import { bettiMatchingSync, setThreads } from 'cutloss';
import { resident, settle, startPeak } from './resident.mjs';
import { fields } from './suites/topology.mjs';

const [threads, fill, filtration, ...lengths] = process.argv.slice(2);
const shape = lengths.map(Number);
const make = (extents) => ({
  prediction: fields(fill, extents, 1, 9),
  target: fields('mask', extents, 1, 5),
});

setThreads(Number(threads));
const inputs = make(shape);
const gradient = {
  data: new Float32Array(inputs.prediction.data.length).fill(1),
  shape: inputs.prediction.shape,
};
bettiMatchingSync(make(shape.map(() => 8)), { grads: true, filtration });
await settle();
const before = resident('VmRSS');
startPeak();
bettiMatchingSync(inputs, { grads: true, filtration, out: { prediction: gradient } });
console.log(resident('VmHWM') - before);
