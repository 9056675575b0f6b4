// Loading the package: with itself, twice, from other realms and threads, and what it leaves of the process's signals.
// CUTLOSS_RELOADS sets how often it is loaded again.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, runClean } from '../support/child.js';

const loading = new URL('./children/loading.mjs', import.meta.url);

describe('the package computes', () => {
  const reloads = process.env.CUTLOSS_RELOADS ?? '50';
  test.each([
    ['both', 'through import and require in one process, which share classes and tensors'],
    ['context', 'on arrays of another vm context, and required from inside one'],
    ['workersOnly', 'in twelve workers one after another, with no other thread that holds the addon'],
    ['workersTogether', 'in eight workers that load it at once'],
    ['again', `when it is loaded ${reloads} times over`],
  ])('%s: %s', async (scene) => {
    await runClean(loading, { args: [scene, reloads] });
  });

  test('copies: from two folders in one process', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'cutloss-copy-'));
    try {
      for (const part of [
        'package.json',
        'dist',
        'build/Release/cutloss.node',
        'prebuilds',
        'node_modules/node-gyp-build',
      ]) {
        if (!existsSync(join(root, part))) continue;
        mkdirSync(join(copy, part, '..'), { recursive: true });
        cpSync(join(root, part), join(copy, part), { recursive: true });
      }
      expect(existsSync(join(copy, 'dist/index.js'))).toBe(true);
      await runClean(loading, { args: ['copies', copy] });
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});

test.skipIf(process.platform !== 'linux')(
  'the table of signal handlers is the same before and after, and traps still reach V8',
  () => runClean(new URL('./children/signals.mjs', import.meta.url)),
);
