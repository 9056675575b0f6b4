// What the addon holds after some calls of an entry point it holds after many, but for a few pieces of its own that it
// only needed once, such as a longer list. argv: the entry point, how many calls.

import { caller, forms } from './entry-points.mjs';
import { must } from './must.mjs';
import { order, read } from './orders.mjs';

const [name, count] = process.argv.slice(2);
order(0n);
const calls = forms.map((form) => caller(name, form));
async function run(times) {
  for (let i = 0; i < times; i++) {
    for (const call of calls) await call();
    await Promise.all([calls[1](), calls[1]()]);
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5)); // what the last job left is gone
await run(10);
await settled();
const before = read('held');
await run(Number(count));
await settled();
must(read('seen') > count, `${name}: requests were counted`);
must(read('held') < before + 6, `${name}: ${before} pieces of memory became ${read('held')}`);
