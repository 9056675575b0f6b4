// The backends that the conformance suite runs on, one process each. vitest.config.ts asks backendsPresent() and makes
// a project per backend; the backend says by environment variable what the process is for, and the package obeys
// CUTLOSS_SIMD and CUTLOSS_PREBUILD; expect-backend.ts makes sure that it did.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Backend {
  readonly name: string;
  readonly device: 'cpu' | 'cuda:0';
  readonly simd?: string;
  /** Whether it runs whole tables of cases: see selection.ts. */
  readonly full: boolean;
  readonly env: Readonly<Record<string, string>>;
}

const everything = process.env.CUTLOSS_TEST_FULL === '1';
const levels = ['generic', 'avx2', 'avx512', 'avx512bf16', 'amx', 'neon'];
const cpu = (simd: string): Backend => ({
  name: `cpu-${simd}`,
  device: 'cpu',
  simd,
  full: everything,
  env: { CUTLOSS_SIMD: simd, CUTLOSS_TEST_BACKEND: `cpu-${simd}` },
});
// A second addon (scripts/build-emulated.mjs), chosen by CUTLOSS_PREBUILD: its kernels run emulated behind cuda:0.
const emulated = (folder: string): Backend => ({
  name: 'emulated-cuda',
  device: 'cuda:0',
  full: everything,
  env: { CUTLOSS_PREBUILD: folder, CUTLOSS_TEST_BACKEND: 'emulated-cuda' },
});
const cuda: Backend = {
  name: 'cuda',
  device: 'cuda:0',
  full: true,
  env: { CUTLOSS_TEST_BACKEND: 'cuda' },
};

/** What a fresh process with this environment finds; undefined where the package does not load or refuses. */
function foundWith(env: Readonly<Record<string, string>>): { names: string[]; simd?: string } | undefined {
  const found = '{ names: devices().map(({ device }) => device), simd: versions().simd }';
  const script = `import('cutloss').then(({ devices, versions }) => process.stdout.write(JSON.stringify(${found})))`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return child.status === 0 ? JSON.parse(child.stdout) : undefined;
}

export function backendsPresent(): Backend[] {
  const here = foundWith({ CUTLOSS_SIMD: '' });
  const found = levels
    .map(cpu)
    .filter(({ env, simd }) => foundWith(env)?.simd === simd)
    .map((level) =>
      level.simd === here?.simd ? { ...level, env: { ...level.env, CUTLOSS_TEST_FULL: '1' } } : level,
    );
  const folder = process.env.CUTLOSS_TEST_EMULATED; // asked for: never left out silently
  if (folder) found.push(emulated(resolve(folder)));
  else if (existsSync('build/emulated/build/Release/cutloss.node'))
    found.push(emulated(resolve('build/emulated')));
  if (here?.names.includes('cuda:0')) found.push(cuda);
  return found.length > 0 ? found : [cpu('generic')]; // the suite then fails and says why
}

const name = process.env.CUTLOSS_TEST_BACKEND ?? 'cpu-generic';
export const backend: Backend =
  name === 'cuda'
    ? cuda
    : name === 'emulated-cuda'
      ? emulated(process.env.CUTLOSS_PREBUILD ?? '')
      : cpu(name.slice('cpu-'.length));
