// The CPU engine computes every entry point whatever the driver is like. argv: how many GPUs the driver counts; none
// means that 'auto' is the CPU.

import { setDevice } from 'cutloss';
import { caller, entryPoints, forms } from './entry-points.mjs';
import { must } from './must.mjs';

if (process.argv[2] !== '0') setDevice('cpu');
for (const name of entryPoints) for (const form of forms) must(await caller(name, form)(), name);
console.log('computed');
