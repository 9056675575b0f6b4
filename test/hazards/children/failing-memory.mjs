// Requests for memory fail, one in each call of an entry point. argv: its name, its form, which requests (0: none, they
// are counted). A call ends in ERR_CUTLOSS_MEMORY or, where it could do without, in the right answer; the next is right.

import { bitsOf, caller } from './entry-points.mjs';
import { must } from './must.mjs';
import { never, order, read } from './orders.mjs';

const [name, form, requests] = process.argv.slice(2);
const call = caller(name, form);
const codes = [];
let right;
for (const which of requests.split(',')) {
  order(BigInt(which));
  let bits;
  try {
    bits = bitsOf(await call());
  } catch (error) {
    codes.push(error.code);
    must(error.code === 'ERR_CUTLOSS_MEMORY', `${name}, request ${which}: ${error.stack}`);
  }
  order(never);
  const next = bitsOf(await call());
  right ??= next;
  must(next === right, `${name}, after request ${which}: the next call is right`);
  must(bits === undefined || bits === right, `${name}: what needs no memory is right without it`);
}
console.log(JSON.stringify({ seen: read('seen'), failed: codes.length, bits: right }));
