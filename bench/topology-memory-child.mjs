// argv: threads, the kind of fields, the filtration, and the lengths of their axes. Prints the peak resident set of one
// call beyond what was resident before it. A small call first: threads and code pages are not counted.
import { bettiMatchingSync, setThreads } from 'cutloss';
import { resident, settle, startPeak } from './resident.mjs';
import { inputs } from './suites/topology.mjs';

const [threads, kind, filtration, ...lengths] = process.argv.slice(2);
const shape = lengths.map(Number);
setThreads(Number(threads));
const fields = inputs(kind, shape, 1);
const gradient = {
  data: new Float32Array(fields.prediction.data.length).fill(1),
  shape: fields.prediction.shape,
};
const small = shape.map(() => 8);
bettiMatchingSync(inputs(kind, small, 1), { grads: true, filtration });
await settle();
const before = resident('VmRSS');
startPeak();
bettiMatchingSync(fields, { grads: true, filtration, out: { prediction: gradient } });
console.log(resident('VmHWM') - before);
