// `npm run bench [-- SUITE…] [--peer torch|betti_matching] [--python PATH] [--kept-heap] [--rounds N] [--json FILE]
// [--html FILE] [--small] [--shape 1024x768x50304] [--dtype float32] [--data random] [--filtration sublevel]
// [--work dice] [--backend wasm]`: the same workloads for us and for what a user would otherwise run, taken in turn so
// that a machine whose speed drifts treats both alike. Prints tables with medians, ratios and the share of the machine's
// limit; --html writes them with plots as one page, and --from FILE makes that page of the JSON of an earlier run, or of
// several.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { devices, versions } from 'cutloss';
import { bandwidth } from './bandwidth.mjs';
import { writePage } from './page.mjs';
import { connect, keptHeap } from './peer.mjs';
import { crossEntropySuite } from './suites/cross-entropy.mjs';
import { regionsSuite } from './suites/regions.mjs';
import { rowsSuite } from './suites/rows.mjs';
import { tfjsSuite } from './suites/tfjs.mjs';
import { topologySuite } from './suites/topology.mjs';
import { printTable } from './table.mjs';

const suites = {
  'cross-entropy': crossEntropySuite,
  rows: rowsSuite,
  regions: regionsSuite,
  topology: topologySuite,
  tfjs: tfjsSuite,
};

/** The command line, or one line about what is wrong with it. */
function parseCommandLine(options) {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

const { values: options, positionals } = parseCommandLine({
  peer: { type: 'string', multiple: true, default: [] },
  python: { type: 'string', default: process.env.CUTLOSS_PYTHON ?? 'python3' },
  rounds: { type: 'string', default: '5' },
  'kept-heap': { type: 'boolean', default: false },
  json: { type: 'string' },
  html: { type: 'string' },
  from: { type: 'string', multiple: true },
  small: { type: 'boolean', default: false },
  shape: { type: 'string' },
  dtype: { type: 'string' },
  data: { type: 'string' },
  filtration: { type: 'string' },
  work: { type: 'string' },
  backend: { type: 'string' },
});
if (options.from) {
  const [first, ...more] = options.from.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  if (more.some((run) => JSON.stringify(run.machine) !== JSON.stringify(first.machine))) {
    console.error('Expected runs of one machine: a page shows only one');
    process.exit(2);
  }
  const [results, peers] = ['results', 'peers'].map((key) => [first, ...more].flatMap((run) => run[key]));
  write(options.html ?? 'bench.html', writePage({ ...first, results, peers: [...new Set(peers)] }));
  process.exit(0);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(suites);
for (const name of chosen) {
  if (!(name in suites)) {
    console.error(`Expected a suite (${Object.keys(suites).join(', ')}) but received '${name}'`);
    process.exit(2);
  }
}

const [cpu] = devices();
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  threads: cpu.threads,
  simd: versions().simd,
  node: process.version,
};
console.log(`${machine.cpu}, ${machine.threads} threads, ${machine.simd}, Node ${machine.node}`);

const limits = bandwidth();
if (limits)
  console.log(
    `memory: reads ${limits.read.toFixed(1)} GB/s, copies ${limits.copy.toFixed(1)} GB/s (read + write)`,
  );

const peers = [];
for (const name of options.peer) {
  const peer = await connect(name, options.python, machine.threads, options['kept-heap'] ? keptHeap : {});
  if (typeof peer === 'string') console.log(`${name}: not measured, ${peer}`);
  else peers.push(peer);
}

const results = [];
for (const name of chosen) {
  console.log(`\n# ${name}`);
  const rows = await suites[name]({
    peers: peers.filter((peer) => (peer.name === 'betti_matching') === (name === 'topology')),
    limits,
    rounds: Number(options.rounds),
    small: options.small,
    shape: options.shape,
    dtype: options.dtype,
    data: options.data,
    filtration: options.filtration,
    work: options.work,
    backend: options.backend,
  });
  printTable(rows);
  results.push(...rows.map((row) => ({ suite: name, ...row })));
}
for (const peer of peers) peer.close();

const report = {
  date: new Date().toISOString().slice(0, 10),
  machine,
  limits,
  peers: peers.map((p) => (options['kept-heap'] ? `${p.version}, its heap kept` : p.version)),
  results,
};
if (options.json) write(options.json, `${JSON.stringify(report, null, 2)}\n`);
if (options.html) write(options.html, writePage(report));

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`\nwritten to ${file}`);
}
