// Which tests run where: the reference and properties first, the conformance suite once per backend, then the tests that
// start processes and watch clocks, one file at a time. 'cutloss' is the built package, loaded once per process by Node
// itself and never transformed.

import { defineConfig } from 'vitest/config';
import { backendsPresent } from './test/support/backends.js';

const shared = {
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
  server: { deps: { external: [/\/dist\//] } },
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: [
            'test/reference/**/*.test.ts',
            'test/properties/**/*.test.ts',
            'test/images/**/*.test.ts',
            'test/conformance/tolerance.test.ts',
            'test/tfjs/**/*.test.ts',
            'test/*.test.ts',
          ],
          sequence: { groupOrder: 0 },
        },
      },
      ...backendsPresent().map((backend) => ({
        test: {
          ...shared,
          name: backend.name,
          ...(backend.name.startsWith('emulated') && { testTimeout: 300_000, hookTimeout: 300_000 }),
          env: { ...backend.env },
          include: ['test/conformance/**/*.test.ts'],
          exclude: ['test/conformance/tolerance.test.ts'],
          sequence: { groupOrder: 0 },
        },
      })),
      {
        test: {
          ...shared,
          name: 'processes',
          include: ['test/{hazards,soak,fuzz,package,cli}/**/*.test.ts'],
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
    ],
  },
});
