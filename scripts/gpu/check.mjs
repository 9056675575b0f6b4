// The checks behind gpu-check.sh, run by the packed Node in the packed folder. Each part is a list of checks; a check
// can `load` (all that is possible without a GPU) and `run`. Every figure goes to a JSON file, every word to a log beside
// it, written as they come: what was found stays when time runs out. The table is the last thing printed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable } from '../../bench/table.mjs';
import { benchChecks } from './bench.mjs';
import { conformanceChecks } from './conformance.mjs';
import { describeMachine, findGpu } from './machine.mjs';
import { conformChecks, sanitizeChecks } from './programs.mjs';
import { log, stopAfter } from './run.mjs';
import { trustChecks } from './trust.mjs';

const parts = {
  conform: conformChecks,
  conformance: conformanceChecks,
  sanitize: sanitizeChecks,
  trust: trustChecks,
  bench: benchChecks,
};

function fail(sentence) {
  console.error(`gpu-check: ${sentence}`);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        'dry-run': { type: 'boolean', default: false },
        emulated: { type: 'string' },
        seconds: { type: 'string', default: '570' },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { values: options, positionals } = readArguments();
const dryRun = options['dry-run'];
const chosen = positionals.length > 0 ? [...new Set(positionals)] : Object.keys(parts);
for (const name of chosen) {
  if (!Object.hasOwn(parts, name))
    fail(`Expected a part (${Object.keys(parts).join(', ')}) but received '${name}'`);
}
if (!(Number(options.seconds) > 0)) fail(`Expected a number of seconds but received '${options.seconds}'`);
stopAfter(Number(options.seconds));

const manifest = JSON.parse(readFileSync('MANIFEST', 'utf8'));
for (const [path, wanted] of Object.entries(manifest.sha256)) {
  const found = existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex');
  if (found !== wanted)
    fail(`Expected ${path} as it was packed but it is ${found ? 'another' : 'gone'}: pack again`);
}
const { emulated } = options; // gpu-check.sh has made the path absolute
const context = {
  manifest,
  emulated: emulated !== undefined,
  // The environment of every process that computes.
  env: emulated
    ? { CUTLOSS_PREBUILD: emulated, CUTLOSS_TEST_BACKEND: 'emulated-cuda', CUTLOSS_DEVICE: 'cuda:0' }
    : { CUTLOSS_TEST_BACKEND: 'cuda', CUTLOSS_DEVICE: 'cuda:0' },
};

console.log(
  `cutloss ${manifest.cutloss} at ${manifest.commit.slice(0, 12)}` +
    `${manifest.changedSince ? ` with ${manifest.changedSince} files changed` : ''}, packed ${manifest.packed}, ` +
    `for sm_${manifest.architectures.join(', sm_')}, CUDA ${manifest.cuda}, Node ${manifest.node}`,
);
const { gpu, reason } = await findGpu(context, dryRun);
if (!dryRun && !gpu)
  fail(`Expected an NVIDIA GPU but ${reason} (--dry-run does all that can be done without one)`);
const machine = await describeMachine(gpu);
console.log(gpu ? `${gpu.name}, driver ${machine.driver ?? gpu.driver}` : `no GPU: ${reason}`);

const rows = [];
const report = {
  date: new Date().toISOString(),
  pack: { ...manifest, sha256: undefined },
  machine,
  parts: {},
};
if (dryRun) await rehearse();
else await check();
printTable(rows);
process.exit(rows.some((row) => row.failed > 0) ? 1 : 0);

/** Everything but the launches. */
async function rehearse() {
  for (const name of chosen) {
    const started = performance.now();
    const row = { part: name, checks: 0, passed: 0, failed: 0, skipped: 0 };
    console.log(`\n# ${name} would run`);
    for (const one of await parts[name](context)) {
      const { problem, says } = (await one.load?.()) ?? {};
      row.checks++;
      row[problem ? 'failed' : 'passed']++;
      console.log(
        `${problem ? 'FAILED ' : 'loads  '} ${one.name}${says ? `, ${says}` : ''}${problem ? `: ${problem}` : ''}`,
      );
    }
    rows.push({ ...row, seconds: secondsSince(started) });
  }
  console.log(`\n${gpu ? 'dry run' : 'no GPU'}: nothing was launched`);
}

async function check() {
  const folder = process.env.CUTLOSS_GPU_CHECK_RESULTS;
  const stem = ['gpu-check', gpu.name, report.date.slice(0, 10), ...(positionals.length > 0 ? chosen : [])]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  mkdirSync(folder, { recursive: true });
  log.to(join(folder, `${stem}.log`));
  const file = join(folder, `${stem}.json`);
  for (const name of chosen) {
    console.log(`\n# ${name}`);
    const started = performance.now();
    const row = { part: name, checks: 0, passed: 0, failed: 0, skipped: 0 };
    const results = [];
    report.parts[name] = { row, results };
    for (const one of await parts[name](context)) {
      const result = await runOne(one);
      for (const key of ['checks', 'passed', 'failed', 'skipped']) row[key] += result[key];
      row.seconds = secondsSince(started);
      results.push(result);
      writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
    }
    rows.push(row);
  }
  console.log(`\nwritten to ${file}\n`);
}

/** One check may count many: the lines of a program, the tests of a file. */
async function runOne(one) {
  log.write(`\n==== ${one.name}\n`);
  const started = performance.now();
  let found;
  try {
    found = await one.run();
  } catch (error) {
    found = { problem: error.stack };
  }
  const { problem, skipped, says, counts, figures } = found ?? {};
  const failed = counts?.failed || (problem ? 1 : 0);
  const passed = counts?.passed ?? (problem || skipped ? 0 : 1);
  const left = counts?.skipped ?? (skipped ? 1 : 0);
  const verdict = failed ? 'FAILED ' : skipped ? 'skipped' : 'ok     ';
  const seconds = secondsSince(started);
  const words = [counts && `${passed} of ${passed + failed}`, says, skipped].filter(Boolean).join(', ');
  console.log(`${verdict} ${one.name}${words ? `: ${words}` : ''} (${seconds} s)`);
  if (problem) console.log(indent(problem));
  return {
    name: one.name,
    checks: passed + failed + left,
    passed,
    failed,
    skipped: left,
    seconds,
    problem,
    why: skipped,
    says,
    figures,
  };
}

function secondsSince(started) {
  return Number(((performance.now() - started) / 1000).toFixed(1));
}

function indent(text) {
  const lines = text.trimEnd().split('\n').slice(-40);
  return lines.map((line) => `        ${line}`).join('\n');
}
