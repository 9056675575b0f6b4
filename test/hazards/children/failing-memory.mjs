// One request for memory of one call fails. argv: the entry point, its form, which request (0: none, they are counted).
// The call ends in ERR_CUTLOSS_MEMORY or, where it could do without, in the right answer; the next one is right.

import { bitsOf, caller } from './entry-points.mjs';
import { must } from './must.mjs';
import { never, order, read } from './orders.mjs';

const [name, form, which] = process.argv.slice(2);
const call = caller(name, form);
order(BigInt(which));
let bits;
let code;
try {
  bits = bitsOf(await call());
} catch (error) {
  code = error.code;
  must(code === 'ERR_CUTLOSS_MEMORY', `${name}, request ${which}: ${error.stack}`);
}
order(never);
const next = bitsOf(await call());
must(bits === undefined || bits === next, `${name}: what needs no memory is right without it`);
console.log(JSON.stringify({ seen: read('seen'), code, bits: next }));
