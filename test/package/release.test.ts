// What the release workflow relies on: a package is put together only if the binary of every platform is there and small.

import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root, runChild } from '../support/child.js';

const binaries = [
  'linux-x64/cutloss.glibc.node',
  'linux-x64/cutloss.musl.node',
  'linux-arm64/cutloss.glibc.node',
  'darwin-arm64/cutloss.glibc.node',
];
let folder: string;
const path = (binary: string): string => join(folder, 'prebuilds', binary);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cutloss-release-'));
  for (const binary of binaries) {
    mkdirSync(dirname(path(binary)), { recursive: true });
    writeFileSync(path(binary), 'a binary');
  }
  // the script looks where it is started
  writeFileSync(
    join(folder, 'check.mjs'),
    `process.argv.push('--check', '--release'); await import(${JSON.stringify(join(root, 'scripts/prebuild.mjs'))});`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));
const check = () => runChild(join(folder, 'check.mjs'));

test('the binaries of all platforms pass', async () => {
  const { code, stdout, stderr } = await check();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const binary of binaries) expect(stdout).toContain(`${binary}: 0.00 MB`);
});

test.each(binaries)('without %s it fails', async (binary) => {
  rmSync(path(binary));
  const { code, stderr } = await check();
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^Expected a binary for \S+( \w+)? in prebuilds\/\S+: type npm run prebuild there\n$/,
  );
});

test('so does one that is too large', async () => {
  truncateSync(path('linux-x64/cutloss.glibc.node'), 25 * 1024 * 1024 + 1);
  const { code, stderr } = await check();
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'Expected at most 26214400 bytes: move to one package per platform\n',
  });
});
