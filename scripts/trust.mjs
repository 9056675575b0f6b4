// `npm run test:trust`: the hazards of docs/trust.md in full size, one after another, and their table. An argument
// chooses items by number or by a part of their name: npm run test:trust -- 7 ThreadSanitizer. CI runs the same tests in
// the sizes that they have by default. The table goes to the screen and, with what it was run on, to build/trust.json,
// where an item that was not chosen keeps its last result.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { items } from './trust/items.mjs';

const results = 'build/trust.json';
const words = process.argv.slice(2);
const chosen = items.filter(
  ({ item, what }) => words.length === 0 || words.some((word) => word === `${item}` || what.includes(word)),
);
if (chosen.length === 0) {
  console.error(`Expected items of the list but received ${words.join(' ')}`);
  process.exit(1);
}

const machine = `${cpus().length} × ${cpus()[0]?.model ?? arch()}, ${platform()} ${release()}, Node ${process.version}`;
const earlier = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : {};
const found = new Map(
  (earlier.machine === machine ? earlier.results : []).map((result) => [result.what, result]),
);
for (const { item, what, run, size = {} } of chosen) {
  console.log(`\n# ${item}. ${what}`);
  const env = Object.fromEntries(
    Object.entries(size).map(([name, value]) => [name, process.env[name] ?? `${value}`]),
  );
  const start = performance.now();
  const counts = run(env);
  const seconds = Math.round((performance.now() - start) / 1000);
  const sizes = Object.entries(env).map((pair) => pair.join('='));
  const date = new Date().toISOString().slice(0, 10);
  found.set(what, { item, what, size: sizes.join(' '), ...counts, seconds, date });
}

const ordered = items.map(({ what }) => found.get(what)).filter(Boolean);
mkdirSync('build', { recursive: true });
writeFileSync(results, `${JSON.stringify({ machine, results: ordered }, null, 2)}\n`);
const row = (cells) => `| ${cells.join(' | ')} |`;
const columns = ['item', 'what', 'size', 'passed', 'failed', 'seconds', 'date'];
console.log(`\n${machine}\n\n${row(columns)}\n${row(columns.map(() => '---'))}`);
for (const result of ordered) console.log(row(columns.map((column) => result[column])));
const failed = chosen.map(({ what }) => found.get(what)).filter((one) => one.passed === 0 || one.failed > 0);
for (const { item, what } of failed) console.log(`FAILED: ${item}. ${what}`);
process.exit(failed.length === 0 ? 0 : 1);
