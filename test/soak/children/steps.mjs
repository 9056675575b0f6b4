// Steps of every entry point, one after another, on the spot and awaited, with one signal for all. argv: 'tiny' or
// 'large'; how many. Prints by how many bytes JavaScript's memory, the addon's and the
// process grow meanwhile, as the line through twenty moments has it, and the listeners that are left on the signal.

import { getEventListeners } from 'node:events';
import { caller, entryPoints, tinyCaller } from '../../hazards/children/entry-points.mjs';
import { must } from '../../hazards/children/must.mjs';
import { order, read } from '../../hazards/children/orders.mjs';

const [size, count] = process.argv.slice(2);
const callerOf = size === 'tiny' ? tinyCaller : caller;
const { signal } = new AbortController();
const calls = entryPoints.flatMap((name) => {
  const [sync, awaited] = [callerOf(name, 'sync'), callerOf(name, 'async')];
  return [...Array(size === 'tiny' ? 9 : 1).fill(sync), () => awaited({ signal })];
});

let next = 0;
async function steps(many) {
  for (let i = 0; i < many; i++) await calls[next++ % calls.length]();
}

const moments = 20;
const each = Math.ceil(count / moments);
const settled = () => new Promise((resolve) => setTimeout(resolve, 5)); // what the last job left is gone
async function look() {
  await settled();
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { javascript: heapUsed + external, addon: read('bytes'), resident: rss };
}

order(0n);
await steps(Math.max(2 * calls.length, each));
await look();
const seen = [];
for (let i = 0; i < moments; i++) {
  await steps(each);
  seen.push(await look());
}
must(read('seen') > count, 'the addon was watched');

/** By the median slope of all pairs (Theil and Sen): a garbage collector's whims are outliers. */
function growth(what) {
  const sizes = seen.map((moment) => moment[what]);
  const slopes = sizes.flatMap((to, j) => sizes.slice(0, j).map((from, i) => (to - from) / (j - i)));
  slopes.sort((a, b) => a - b);
  return Math.round((moments - 1) * slopes[slopes.length >> 1]);
}
const grown = Object.fromEntries(Object.keys(seen[0]).map((what) => [what, growth(what)]));
console.log(JSON.stringify({ ...grown, listeners: getEventListeners(signal, 'abort').length }));
