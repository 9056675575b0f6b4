// Signals arrive all the time, at the process and so at any of its threads, while steps are computed. argv: how many.

import { bitsOf, caller } from './entry-points.mjs';
import { must } from './must.mjs';

const wanted = Number(process.argv[2]);
let seen = 0;
process.on('SIGUSR2', () => {
  seen++;
});
const calls = ['crossEntropy', 'dice', 'bettiMatching'].map((name) => caller(name));
const right = await Promise.all(calls.map(async (call) => bitsOf(await call())));
for (let sent = 0; sent < wanted; ) {
  const steps = calls.map((call) => call());
  for (let i = 0; i < 50; i++, sent++) process.kill(process.pid, 'SIGUSR2');
  const bits = (await Promise.all(steps)).map(bitsOf);
  must(bits.join() === right.join(), 'the answers are right');
}
must(seen > 0, 'signals arrived');
console.log(`${wanted} signals`);
