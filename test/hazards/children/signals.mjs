// Loading the package and computing with it leaves the table of signal handlers as it was.

import { readFileSync } from 'node:fs';
import { must } from './must.mjs';

const table = () =>
  readFileSync('/proc/self/status', 'utf8')
    .match(/^Sig(Blk|Ign|Cgt):.*$/gm)
    .join(' ');

const before = table();
must(/SigCgt:\s+[0-9a-f]{16}/.test(before), 'the table can be read');
const { crossEntropy, crossEntropySync, devices, setThreads } = await import('cutloss');
const { problem } = await import('./inputs.mjs');
devices();
must(table() === before, `loading keeps ${before}, now ${table()}`);
setThreads(3);
crossEntropySync(problem(300, 500), { grads: true });
await crossEntropy(problem(300, 500), { grads: true });
must(table() === before, `computing keeps ${before}, now ${table()}`);

// a trap of WebAssembly arrives as a signal and must still be caught by V8
const trap = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0, 10, 10, 1,
  8, 0, 65, 127, 40, 2, 0, 26, 11,
]);
let caught;
try {
  new WebAssembly.Instance(new WebAssembly.Module(trap)).exports.f();
} catch (error) {
  caught = error;
}
must(caught instanceof WebAssembly.RuntimeError, `a trap is an error: ${caught}`);
