// An entry point gives the same bits every time, on any number of threads, alone or beside others. argv: its name, how
// often.

import { setThreads } from 'cutloss';
import { bitsOf, caller, forms } from './entry-points.mjs';
import { must } from './must.mjs';

const [name, runs] = process.argv.slice(2);
const calls = forms.map((form) => caller(name, form));
const right = bitsOf(await calls[0]());
for (let i = 0; i < runs; i++) {
  const threads = 1 + (i % 16);
  setThreads(threads);
  for (const call of calls) must(bitsOf(await call()) === right, `${name} on ${threads} threads`);
  const together = await Promise.all(Array.from({ length: 4 }, () => calls[1]()));
  for (const one of together) must(bitsOf(one) === right, `${name}, one of four on ${threads} threads`);
}
