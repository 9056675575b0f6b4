// The parts made of native programs. conform: every wrapped instruction against its description, the two GEMMs, and the
// row kernels against float64 loops. sanitize: the row kernels once more under each tool of compute-sanitizer.
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from './run.mjs';

const folder = 'programs';
const nothingToEmulate = 'the programs need a GPU; ctest runs them on the emulated one';
const conformPrograms = readdirSync(folder).filter((name) => /^(conform|gemm)_|_kernels$/.test(name));
const kernelPrograms = conformPrograms.filter((name) => name.endsWith('_kernels'));

/** Whether the loader finds every library and symbol, without running the program. */
async function load(name) {
  const program = resolve(folder, name);
  const { stdout, stderr, problem } = await run(program, [], {
    env: { LD_TRACE_LOADED_OBJECTS: '1', LD_BIND_NOW: '1', LD_WARN: '1' },
    seconds: 30,
  });
  const missing = `${stdout}${stderr}`.split('\n').filter((line) => /not found|undefined symbol/.test(line));
  return { problem: missing.length > 0 ? missing.join('; ').trim() : problem };
}

/** A conform program prints a line per check; exit code 4 says that it needs another device. */
async function runConform(name) {
  const { code, stdout, problem } = await run(resolve(folder, name), [], { seconds: 120 });
  if (code === 4) return { skipped: stdout.trim() };
  const comparisons = /(\d+) checks, \d+ failures/.exec(stdout); // the last line of test/native/check.h
  if (comparisons) return { problem, says: `${comparisons[1]} comparisons` };
  const passed = stdout.match(/\bok\b/g)?.length ?? 0;
  const failed = stdout.match(/\bWRONG\b/g)?.length ?? 0;
  const crashed = problem && failed === 0 ? 1 : 0;
  return { counts: passed + failed > 0 ? { passed, failed: failed + crashed } : undefined, problem };
}

export function conformChecks({ emulated }) {
  return conformPrograms.map((name) => ({
    name,
    load: () => load(name),
    run: () => (emulated ? { skipped: nothingToEmulate } : runConform(name)),
  }));
}

/** For the part trust. */
export function lostChecks({ emulated }) {
  return [
    {
      name: 'a GPU that is lost: typed errors and a clean end',
      load: () => load('lost'),
      run: () => (emulated ? { skipped: nothingToEmulate } : runConform('lost')),
    },
  ];
}

const tools = ['memcheck', 'racecheck', 'synccheck', 'initcheck'];

function findSanitizer() {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda', '/opt/cuda'].filter(
    Boolean,
  );
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    ...homes.flatMap((home) => [`${home}/bin`, `${home}/compute-sanitizer`]),
  ];
  return folders.map((path) => `${path}/compute-sanitizer`).find((path) => existsSync(path));
}

/** The sanitizer's last words. Its exit code is the program's own where that fails too. */
const complains = ({ stdout }) => /SUMMARY: [1-9]/.test(stdout);

async function sanitize(sanitizer, tool, program, ...args) {
  const options = ['--tool', tool, '--error-exitcode', '86', '--print-limit', '5'];
  return run(sanitizer, [...options, resolve(folder, program), ...args], { seconds: 150 });
}

export function sanitizeChecks({ emulated }) {
  const sanitizer = findSanitizer();
  let works; // decided by the first check, which must therefore come first
  const planted = (tool, bug) => ({
    name: `${tool} finds a planted bug (${bug})`,
    load: () => load('planted'),
    run: async () => {
      if (emulated) return { skipped: nothingToEmulate };
      if (!sanitizer) return { skipped: 'compute-sanitizer was not found' };
      works ??= await sanitize(sanitizer, 'memcheck', 'planted', 'clean');
      if (works.problem) return { skipped: `compute-sanitizer does not work here: ${firstComplaint(works)}` };
      const found = await sanitize(sanitizer, tool, 'planted', bug);
      return {
        problem: complains(found) ? undefined : `it said nothing: ${found.problem ?? 'exit code 0'}`,
      };
    },
  });
  return [
    planted('memcheck', 'bounds'),
    planted('racecheck', 'race'),
    ...kernelPrograms.flatMap((program) =>
      tools.map((tool) => ({
        name: `${tool} of ${program}`,
        load: async () => ({ says: sanitizer ? `with ${sanitizer}` : 'if compute-sanitizer is there' }),
        run: async () => {
          if (!works || works.problem)
            return { skipped: 'compute-sanitizer was not found or does not work here' };
          const ending = await sanitize(sanitizer, tool, program);
          const says = /(ERROR|RACECHECK) SUMMARY: .*/.exec(ending.stdout)?.[0];
          if (ending.problem || (says && !complains(ending))) return { problem: ending.problem, says };
          return { problem: `exit code 0, but\n${ending.stdout.slice(-3000)}`, says };
        },
      })),
    ),
  ];
}

function firstComplaint({ stdout, stderr, problem }) {
  const said = `${stdout}${stderr}`.split('\n').find((line) => /error|not supported|failed/i.test(line));
  return (said ?? problem).trim().split('\n')[0];
}
