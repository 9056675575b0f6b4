// Compiles every kernel for every GPU that ships and fails on a spilled register, a byte of local memory, or static shared
// memory, which kernels may not have. Prints the registers of each kernel on each GPU.
//
//   node scripts/kernel-gate.mjs            every architecture of cuda/find_cuda.cmake
//   node scripts/kernel-gate.mjs 80 90a     some of them
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function findNvcc() {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda', '/opt/cuda'];
  const candidates = ['nvcc', ...homes.filter(Boolean).map((home) => join(home, 'bin', 'nvcc'))];
  return candidates.find((nvcc) => spawnSync(nvcc, ['--version'], { stdio: 'ignore' }).status === 0);
}

function shippedArchitectures() {
  const cmake = readFileSync(join(root, 'cuda/find_cuda.cmake'), 'utf8');
  const [, list] = /set\(CMAKE_CUDA_ARCHITECTURES ([^)]+)\)/.exec(cmake);
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

function demangle(nvcc, names) {
  const tools = [join(dirname(nvcc), 'cu++filt'), 'c++filt'];
  const tool = tools.find((path) => path === 'c++filt' || existsSync(path));
  const answer = spawnSync(tool, { input: names.join('\n'), encoding: 'utf8' });
  const lines = answer.status === 0 ? answer.stdout.trimEnd().split('\n') : names;
  return lines.map((line) =>
    line
      .replace(/^void /, '')
      .replace(/\(anonymous namespace\)::|<unnamed>::|cutloss::cuda::|cutloss::/g, '')
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

const architectures = process.argv.length > 2 ? process.argv.slice(2) : shippedArchitectures();
const files = kernelFiles(join(root, 'cuda')).sort();
const jobs = files.flatMap((file) => architectures.map((architecture) => ({ file, architecture })));
const folder = mkdtempSync(join(tmpdir(), 'cutloss-gate-'));
const found = [];
let failures = 0;

async function work() {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const cubin = join(folder, `${found.length}-${jobs.length}.cubin`);
    const { code, output } = await run(nvcc, [
      '-std=c++20',
      `-I${root}`,
      `-gencode=arch=compute_${job.architecture},code=sm_${job.architecture}`,
      '-cubin',
      '-o',
      cubin,
      '-Xptxas',
      '-v,-warn-spills,-warn-lmem-usage,-Werror',
      job.file,
    ]);
    if (code !== 0) {
      failures += 1;
      console.log(`${relative(root, job.file)} for sm_${job.architecture}:\n${output}`);
    }
    for (const kernel of readReport(output)) found.push({ ...kernel, architecture: job.architecture });
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
console.log(
  `kernel gate: ${kernels.length} kernels compiled for ${architectures.length} GPUs, ${refused.length} refused, ` +
    `${failures} compilations failed`,
);
process.exit(failures + refused.length === 0 && kernels.length > 0 ? 0 : 1);
