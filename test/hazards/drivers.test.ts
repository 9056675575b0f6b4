// Item 9 of docs/trust.md: whatever the GPU's driver is like, the CPU engine computes and asks it for no more than its
// version and the count of GPUs. The driver is a stub that ends the process at anything else.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root, runChild, runClean } from '../support/child.js';

const binary = join(root, 'build/Release/cutloss.node');
const built = createRequire(import.meta.url)(binary).versions();
const withCuda = process.platform === 'linux' && built.cudaRuntime !== undefined;
const script = new URL('./children/no-context.mjs', import.meta.url);
const source = fileURLToPath(new URL('./children/stub-libcuda.c', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cutloss-driver-'));
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-o', join(folder, 'libcuda.so.1'), source]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(withCuda)('the CPU engine computes', () => {
  test.each([
    ['no GPU', { STUB_COUNT: '0' }, '0'],
    ['no GPU, as cuInit says it', { STUB_INIT: '100' }, '0'],
    ['a driver older than the runtime', { STUB_VERSION: '10000' }, '0'],
    ['a driver whose GPU is full', { STUB_INIT: '2' }, '0'],
    ['a driver in an unknown state', { STUB_INIT: '999' }, '0'],
    ['one GPU that is not asked for anything', { STUB_COUNT: '1' }, '1'],
    ['eight GPUs that are not asked for anything', { STUB_COUNT: '8' }, '8'],
  ])('beside %s', async (_, driver, counted) => {
    const { stdout } = await runClean(script, {
      args: [counted],
      env: { LD_LIBRARY_PATH: folder, ...driver },
    });
    expect(stdout).toBe('computed\n');
  });

  test('and the stub does notice what it does not have', async () => {
    const env = { LD_LIBRARY_PATH: folder, STUB_STRICT: '1' };
    const { signal, stderr } = await runChild(script, { args: ['0'], env });
    expect(signal).toBe('SIGABRT');
    expect(stderr).toContain('more than the version and the count');
  });
});

test('it computes without a driver, and with every GPU hidden', async () => {
  await runClean(script, { args: ['0'], env: { CUDA_VISIBLE_DEVICES: '', LD_LIBRARY_PATH: '' } });
});
