// What the doctor says: on this machine, on one with a GPU (facts made up, and the emulated GPU where it is built), and
// where something is wrong.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adviceFor, asText, type Facts, isWell, remedies } from '../../src/cli/doctor.js';
import { root, runChild } from '../support/child.js';
import { cutloss } from './command.js';

const cpu = {
  device: 'cpu',
  name: 'A CPU',
  totalMemory: 2 ** 34,
  freeMemory: 2 ** 33,
  threads: 8,
  simd: 'avx512',
  computes: true,
} as const;
const gpu = {
  device: 'cuda:0',
  name: 'A GPU',
  totalMemory: 2 ** 36,
  freeMemory: 2 ** 35,
  computeCapability: '9.0',
  driver: 'CUDA 13.0',
  computes: true,
} as const;
const healthy: Facts = {
  version: '1.2.3',
  platform: 'linux-x64 (glibc 2.36), Node 20.0.0',
  environment: {},
  binary: '/somewhere/cutloss.node',
  versions: {
    cutloss: '1.2.3',
    binary: '1.2.3',
    commit: '0123456789abcdef0123456789abcdef01234567',
    nodeApi: 8,
    compiler: 'GCC 12.2.0',
    cudaRuntime: '13.0',
    simd: 'avx512',
  },
  simdLevels: ['avx512', 'avx2', 'generic'],
  noGpu: '',
  devices: [cpu, gpu],
  refused: [],
  defaultDevice: 'cuda:0',
};

describe('with a GPU', () => {
  test('all is well and nothing is to be done', () => {
    expect(isWell(healthy)).toBe(true);
    expect(adviceFor(healthy)).toEqual([]);
    const text = asText(healthy, []);
    expect(text).toContain('cpu      A CPU, 8 threads, avx512, 8.0 GiB of 16.0 GiB free, computes\n');
    expect(text).toContain(
      'cuda:0   A GPU, compute capability 9.0, driver for CUDA 13.0, 32.0 GiB of 64.0 GiB free, computes\n',
    );
    expect(text).toContain('built    from 1.2.3 (0123456789ab), by GCC 12.2.0, Node-API 8, CUDA 13.0\n');
    expect(text).toContain('losses   run on cuda:0 unless they are told otherwise\n');
    expect(text).toMatch(/\n\nEverything works\.\n$/);
  });

  test('that is not used because of the environment, it says so', () => {
    const facts: Facts = {
      ...healthy,
      environment: { CUTLOSS_DEVICE: 'cpu', CUTLOSS_SIMD: 'avx2' },
      defaultDevice: 'cpu',
      versions: { ...(healthy.versions as object), simd: 'avx2' } as NonNullable<Facts['versions']>,
    };
    expect(adviceFor(facts)).toEqual([
      'CUTLOSS_DEVICE is cpu: unset it, or set it to cuda:0, to use the GPU.',
      'CUTLOSS_SIMD is avx2: without it, avx512 would be used.',
    ]);
    expect(asText(facts, [])).toContain('CUTLOSS_DEVICE  cpu\n');
  });

  test('that is too old, it says what is needed', () => {
    const reason = 'Expected a GPU of compute capability 8.0 or newer but cuda:0 has 7.5';
    const facts: Facts = { ...healthy, devices: [cpu], refused: [{ device: 'cuda:0', reason }] };
    expect(asText(facts, [])).toContain(`cuda:0   cannot be used: ${reason}`);
    expect(adviceFor(facts).join()).toContain('compute capability 8.0 (Ampere) or newer');
  });

  test('that computes something else, it is not well', () => {
    const facts: Facts = { ...healthy, devices: [cpu, { ...gpu, computes: 'a loss of 2 instead of 1' }] };
    expect(isWell(facts)).toBe(false);
    expect(asText(facts, [])).toContain('FAILS: a loss of 2 instead of 1');
    expect(adviceFor(facts)[0]).toContain('cuda:0 does not compute as it should');
  });

  const emulated = process.env.CUTLOSS_TEST_EMULATED ?? join(root, 'build/emulated');
  test.skipIf(!existsSync(join(emulated, 'build/Release/cutloss.node')))(
    'that is emulated, it computes',
    async () => {
      const { code, stdout } = await cutloss(['doctor', '--json'], {
        env: { CUTLOSS_PREBUILD: resolve(emulated) },
      });
      const { devices, defaultDevice, noGpu } = JSON.parse(stdout) as Facts;
      expect({ code, defaultDevice, noGpu }).toEqual({ code: 0, defaultDevice: 'cuda:0', noGpu: '' });
      expect(devices.map(({ device, computes }) => [device, computes])).toEqual([
        ['cpu', true],
        ['cuda:0', true],
      ]);
    },
  );
});

describe('without a GPU', () => {
  test.each(remedies)('because it %s, there is a remedy', (reason, remedy) => {
    const facts: Facts = {
      ...healthy,
      devices: [cpu],
      noGpu: `this ${reason}, somehow`,
      defaultDevice: 'cpu',
    };
    expect(isWell(facts)).toBe(true);
    expect(adviceFor(facts)).toEqual([remedy]);
    expect(asText(facts, [])).toContain(`GPU      not used: this ${reason}`);
  });

  test('there is a remedy for everything that the engine may say', () => {
    const sources = ['cuda/engine.cc', 'engine/no_cuda.cc'].map((path) =>
      readFileSync(join(root, path), 'utf8'),
    );
    const said = sources.flatMap((text) =>
      [...text.matchAll(/why_none\b[^;"]*"([^"]{12,})/g)].map((match) => match[1] as string),
    );
    expect(said).toHaveLength(remedies.length);
    for (const reason of said)
      expect(
        remedies.filter(([part]) => reason.includes(part)),
        reason,
      ).toHaveLength(1);
  });

  test('on this machine it finds what there is, and that it computes', async () => {
    const { code, stdout, stderr } = await cutloss(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^cutloss +\d+\.\d+\.\d+ on .*Node \d+/);
    expect(stdout).toMatch(/\nbinary +\/.*\.node\n/);
    expect(stdout).toMatch(/\nbuilt +from \d+\.\d+\.\d+.*, by (GCC|Clang) \d+.*, Node-API 8/);
    expect(stdout).toMatch(/\ncpu .* threads, .*, computes\n/);
    expect(stdout).toMatch(/\nEverything works\.\n/);
    expect(stdout).toMatch(/\n(GPU +not used: .+|cuda:0 .+)\n/);
  });
});

describe('where something is wrong', () => {
  test('a binary of another version is named', () => {
    const versions = { ...(healthy.versions as object), binary: '1.2.2' } as Facts['versions'];
    expect(adviceFor({ ...healthy, ...(versions && { versions }) })).toEqual([
      'The binary is that of 1.2.2: in a checkout, run npm run build:native; elsewhere, install again.',
    ]);
  });

  test('a variable that cannot be is named', async () => {
    const { code, stdout } = await cutloss(['doctor'], { env: { CUTLOSS_SIMD: 'mmx' } });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nfailure +Expected .* for the environment variable CUTLOSS_SIMD but received 'mmx'\n/,
    );
    expect(stdout).toMatch(/\nSomething is wrong\.\n/);
  });

  test('a package without a binary is diagnosed, and betti says the same', async () => {
    const bare = mkdtempSync(join(tmpdir(), 'cutloss-bare-'));
    try {
      cpSync(join(root, 'dist'), join(bare, 'dist'), { recursive: true });
      cpSync(join(root, 'package.json'), join(bare, 'package.json'));
      mkdirSync(join(bare, 'node_modules'));
      symlinkSync(join(root, 'node_modules/node-gyp-build'), join(bare, 'node_modules/node-gyp-build'));
      const { code, stdout, stderr } = await runChild(join(bare, 'dist/cjs/cli/main.js'), {
        args: ['doctor'],
      });
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      expect(stdout).toMatch(/\nbinary +none\nfailure +Expected a native binary for .* npm run build:native/);
    } finally {
      rmSync(bare, { recursive: true, force: true });
    }
  });
});
