// Calls of an entry point aborted at random moments, behind another in the queue. argv: its name, how many. Each settles
// once, with signal.reason or the right answer, and leaves no listener. Prints the p99 of the wait after an abort.

import { getEventListeners } from 'node:events';
import { bitsOf, caller } from './entry-points.mjs';
import { must } from './must.mjs';

const [name, count] = process.argv.slice(2);
const call = caller(name);
const right = bitsOf(await call());
const started = performance.now();
await call();
const duration = performance.now() - started;

const waits = [];
for (let i = 0; i < count; i++) {
  const controller = new AbortController();
  const { signal } = controller;
  let settled = 0;
  const before = call();
  const outcome = call({ signal }).then(
    (result) => ({ result, settled: ++settled }),
    (error) => ({ error, settled: ++settled }),
  );
  const moment = performance.now() + 2.5 * Math.random() * duration;
  while (performance.now() < moment) await null;
  const at = performance.now();
  controller.abort(i);
  const { result, error } = await outcome;
  waits.push(performance.now() - at);
  controller.abort('too late');
  must(settled === 1, `${name}: the promise settles once`);
  must(getEventListeners(signal, 'abort').length === 0, `${name}: no listener is left`);
  must(
    result ? bitsOf(result) === right : error === i,
    `${name}: the reason or the answer, not ${error?.stack}`,
  );
  must(bitsOf(await before) === right, `${name}: the one before it is unharmed`);
}
waits.sort((a, b) => a - b);
console.log(JSON.stringify({ p99: waits[Math.floor(0.99 * (waits.length - 1))], duration }));
