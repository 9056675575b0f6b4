// `npm start [-- NAME…]`: runs the examples of these names, all of them if none is named.
import { readdirSync } from 'node:fs';

const folder = new URL('../examples/', import.meta.url);
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length));
const chosen = process.argv.slice(2);
for (const name of chosen) {
  if (all.includes(name)) continue;
  console.error(`Expected an example (${all.join(', ')}) but received '${name}'`);
  process.exit(2);
}
for (const name of chosen.length > 0 ? chosen : all) {
  console.log(`# ${name}`);
  await import(new URL(`${name}.mjs`, folder));
  console.log();
}
console.log('More: npm test, npm run bench, README.md');
