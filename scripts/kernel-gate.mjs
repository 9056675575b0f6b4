// Compiles every kernel for every GPU that ships and fails on a spilled register, a byte of local memory, static shared
// memory, which kernels may not have, or products that the compiler serialises. Kernels named for an instruction must
// contain it. Prints the registers of each kernel on each GPU.
//
//   node scripts/kernel-gate.mjs                        every architecture of cuda/find_cuda.cmake
//   node scripts/kernel-gate.mjs 80 90a                 some of them
//   node scripts/kernel-gate.mjs --only cut_rows 90a    the files whose path contains a word
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function findNvcc() {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda', '/opt/cuda'];
  const candidates = ['nvcc', ...homes.filter(Boolean).map((home) => join(home, 'bin', 'nvcc'))];
  return candidates.find((nvcc) => spawnSync(nvcc, ['--version'], { stdio: 'ignore' }).status === 0);
}

function shippedArchitectures() {
  const cmake = readFileSync(join(root, 'cuda/find_cuda.cmake'), 'utf8');
  const [, list] = /set\(shipped ([^)]+)\)/.exec(cmake);
  return list.split(/\s+/).map((name) => name.replace('-real', ''));
}

function kernelFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'emulated' ? [] : kernelFiles(path);
    return entry.name.endsWith('.cu') ? [path] : [];
  });
}

function run(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** What ptxas -v says about each kernel of a file. */
function readReport(output) {
  const kernels = [];
  for (const part of output.split("Compiling entry function '").slice(1)) {
    const number = (pattern) => Number(pattern.exec(part)?.[1] ?? 0);
    kernels.push({
      name: part.slice(0, part.indexOf("'")),
      registers: number(/Used (\d+) registers/),
      shared: number(/(\d+) bytes smem/),
      stack: number(/(\d+) bytes stack frame/),
      spills: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
    });
  }
  return kernels;
}

const special = {
  wgmma: /wgmma\.mma_async/g,
  'bulk tensor copy': /cp\.async\.bulk\.tensor/g,
  multicast: /multicast::cluster/g,
  'mma.sync': /mma\.sync/g,
  'cp.async': /cp\.async\.cg/g,
};
/** By the beginning of a kernel's name. What an architecture does not have, its kernels leave out: they are empty. */
const needed = {
  wgmma_logits: { on: ['90a'], instructions: ['wgmma', 'bulk tensor copy', 'multicast'] },
  wgmma_product: { on: ['90a'], instructions: ['wgmma', 'bulk tensor copy'] },
  mma_: { on: 'every', instructions: ['mma.sync', 'cp.async'] },
};

/** How often each special instruction stands in the PTX of each kernel. */
function countInstructions(folder) {
  const [ptx] = readdirSync(folder).filter((name) => name.endsWith('.ptx'));
  const counts = {};
  for (const part of readFileSync(join(folder, ptx), 'utf8')
    .split(/\.entry /)
    .slice(1)) {
    counts[part.slice(0, part.indexOf('('))] = Object.fromEntries(
      Object.entries(special).map(([name, pattern]) => [name, part.match(pattern)?.length ?? 0]),
    );
  }
  return counts;
}

/** The instructions that a kernel should have by its name and has not. */
function missing({ name, architecture, instructions }) {
  const [, need] = Object.entries(needed).find(([prefix]) => name.startsWith(prefix)) ?? [];
  if (!need || (need.on !== 'every' && !need.on.includes(architecture))) return [];
  return need.instructions.filter((instruction) => !(instructions[instruction] > 0));
}

function printInstructions(kernels, architectures) {
  for (const architecture of architectures) {
    for (const kernel of kernels.filter((each) => each.architecture === architecture)) {
      const counts = Object.entries(kernel.instructions).filter(([, count]) => count > 0);
      if (counts.length === 0) continue;
      console.log(
        `sm_${architecture} ${kernel.name}: ${counts.map(([name, count]) => `${count} ${name}`).join(', ')}`,
      );
    }
  }
}

function demangle(nvcc, names) {
  const tools = [join(dirname(nvcc), 'cu++filt'), 'c++filt'];
  const tool = tools.find((path) => path === 'c++filt' || existsSync(path));
  const answer = spawnSync(tool, { input: names.join('\n'), encoding: 'utf8' });
  const lines = answer.status === 0 ? answer.stdout.trimEnd().split('\n') : names;
  return lines.map((line) =>
    line
      .replace(/^void /, '')
      .replace(/\(anonymous namespace\)::|<unnamed>::|cutloss::cuda::|cutloss::|\bin_\w+::/g, '')
      .replace(/\((int|bool|RegionPath|Merging)\)/g, '')
      .replace(/\(.*\)$/, ''),
  );
}

/** A line per kernel, a column of registers per GPU. */
function printRegisters(kernels, architectures) {
  const names = [...new Set(kernels.map(({ name }) => name))].sort();
  const cell = (name, architecture) =>
    kernels.find((kernel) => kernel.name === name && kernel.architecture === architecture)?.registers ?? '-';
  const lines = [
    ['registers of', ...architectures.map((architecture) => `sm_${architecture}`)],
    ...names.map((name) => [name, ...architectures.map((architecture) => String(cell(name, architecture)))]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) {
    const cells = line.map((text, column) =>
      column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]),
    );
    console.log(cells.join('  '));
  }
}

const nvcc = findNvcc();
if (!nvcc) {
  console.log('kernel gate: skipped, nvcc was not found on PATH, in CUDA_HOME or in /usr/local/cuda');
  process.exit(0);
}

const { values: options, positionals } = parseArgs({
  options: { only: { type: 'string', default: '' } },
  allowPositionals: true,
});
const architectures = positionals.length > 0 ? positionals : shippedArchitectures();
const files = kernelFiles(join(root, 'cuda'))
  .filter((file) => relative(root, file).includes(options.only))
  .sort();
const jobs = files.flatMap((file) => architectures.map((architecture) => ({ file, architecture })));
const folder = mkdtempSync(join(tmpdir(), 'cutloss-gate-'));
const found = [];
let failures = 0;

async function work() {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const kept = mkdtempSync(join(folder, 'kept-')); // what nvcc makes on the way: the PTX
    const { code, output } = await run(nvcc, [
      '-std=c++20',
      `-I${root}`,
      `-gencode=arch=compute_${job.architecture},code=sm_${job.architecture}`,
      '-cubin',
      '-o',
      join(kept, 'kernels.cubin'),
      '--keep',
      '--keep-dir',
      kept,
      '-Xptxas',
      '-v,-warn-spills,-warn-lmem-usage,-Werror',
      job.file,
    ]);
    if (code !== 0 || /C75\d\d/.test(output)) {
      failures += 1;
      console.log(`${relative(root, job.file)} for sm_${job.architecture}:\n${output}`);
    }
    const instructions = code === 0 ? countInstructions(kept) : {};
    for (const kernel of readReport(output)) {
      found.push({
        ...kernel,
        architecture: job.architecture,
        instructions: instructions[kernel.name] ?? {},
      });
    }
    rmSync(kept, { recursive: true, force: true });
  }
}

await Promise.all(Array.from({ length: Math.max(1, Number(process.env.CUTLOSS_JOBS ?? 2)) }, work));
rmSync(folder, { recursive: true, force: true });

const names = demangle(
  nvcc,
  found.map(({ name }) => name),
);
const kernels = found.map((kernel, i) => ({ ...kernel, name: names[i] }));
const refused = kernels.filter(({ shared, stack, spills }) => shared + stack + spills > 0);
for (const { name, architecture, shared, stack, spills } of refused) {
  console.log(
    `${name} on sm_${architecture}: ${shared} bytes of static shared memory, ${stack} of stack, ${spills} spilled`,
  );
}
printRegisters(kernels, architectures);
printInstructions(kernels, architectures);
const lacking = kernels.filter((kernel) => missing(kernel).length > 0);
for (const kernel of lacking) {
  console.log(`${kernel.name} on sm_${kernel.architecture} lacks ${missing(kernel).join(', ')}`);
}
console.log(
  `kernel gate: ${kernels.length} kernels compiled for ${architectures.length} GPUs, ${refused.length} refused, ` +
    `${lacking.length} without their instructions, ${failures} compilations failed`,
);
process.exit(failures + refused.length + lacking.length === 0 && kernels.length > 0 ? 0 : 1);
