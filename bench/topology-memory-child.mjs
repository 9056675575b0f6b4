// argv: threads, what the prediction is made of, the filtration, and the lengths of its axes. Prints the peak resident set of one call
// beyond what was resident before it. A small call first: threads and code pages are not counted.
import { readFileSync } from 'node:fs';
import { bettiMatchingSync, setThreads } from 'cutloss';
import { fields } from './suites/topology.mjs';

const [threads, fill, filtration, ...lengths] = process.argv.slice(2);
const shape = lengths.map(Number);
const make = (extents) => ({
  prediction: fields(fill, extents, 1, 9),
  target: fields('mask', extents, 1, 5),
});
const peak = () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
const now = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);

setThreads(Number(threads));
const inputs = make(shape);
const gradient = {
  data: new Float32Array(inputs.prediction.data.length).fill(1),
  shape: inputs.prediction.shape,
};
bettiMatchingSync(make(shape.map(() => 8)), { grads: true });
globalThis.gc();
const before = Math.max(now(), 0);
const spare = peak() - before; // what was freed already may be used without being seen
bettiMatchingSync(inputs, { grads: true, filtration, out: { prediction: gradient } });
console.log(peak() > before + spare ? peak() - before : 0);
