// versions(): what package.json, the compiler and the devices say, and nothing made up.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { devices, versions } from 'cutloss';
import { expect, test } from 'vitest';
import { root } from './support/child.js';

test('versions() says what is in use', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const found = versions();
  expect(found).toMatchObject({ cutloss: version, binary: version, nodeApi: 8 });
  expect(found.compiler).toMatch(/^(GCC|Clang) \d+\.\d+/);
  expect(devices()[0]?.simd).toBe(found.simd === 'amx' ? 'avx512bf16' : found.simd);
  for (const cuda of [found.cudaRuntime, found.cudaDriver]) expect(cuda ?? '0.0').toMatch(/^\d+\.\d+$/);
  if (found.commit !== undefined) expect(found.commit).toMatch(/^[0-9a-f]{40}$/);
  expect(versions()).toEqual(found);
});

test("what it gives is the caller's own", () => {
  versions().compiler = 'mine';
  expect(versions().compiler).not.toBe('mine');
});
