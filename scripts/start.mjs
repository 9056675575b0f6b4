// `npm start [-- NAME…]`: runs the examples of these names, all of them if none is named. An example is a file of
// examples/plain or a folder beside it.
import { readdirSync } from 'node:fs';

const folder = new URL('../examples/', import.meta.url);
const files = readdirSync(new URL('plain/', folder)).filter((file) => file.endsWith('.mjs'));
const folders = readdirSync(folder, { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && entry.name !== 'plain',
);
const scripts = new Map([
  ...files.map((file) => [file.slice(0, -'.mjs'.length), `plain/${file}`]),
  ...folders.map(({ name }) => [name, `${name}/main.mjs`]),
]);
const chosen = process.argv.slice(2);
for (const name of chosen) {
  if (scripts.has(name)) continue;
  console.error(`Expected an example (${[...scripts.keys()].join(', ')}) but received '${name}'`);
  process.exit(2);
}
for (const name of chosen.length > 0 ? chosen : scripts.keys()) {
  console.log(`# ${name}`);
  await import(new URL(scripts.get(name), folder));
  console.log();
}
console.log('More: npm test, npm run bench, README.md');
