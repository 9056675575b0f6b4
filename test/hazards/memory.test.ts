// Memory that goes away, that others write to, or that is not there: each case in a process of its own, because what
// must not happen is a crash.

import { describe, expect, test } from 'vitest';
import { runClean } from '../support/child.js';

const child = (name: string): URL => new URL(`./children/${name}.mjs`, import.meta.url);

describe('a buffer that is taken away while a job is in flight, with garbage collection', () => {
  const cases = ['clone', 'post', 'transfer'].flatMap((how) =>
    ['logits', 'targets', 'out'].map((which) => [how, which] as const),
  );
  // Between Node 20, which has no transfer(), and Node 24, which heeds the mark, nothing can be done about it: docs/errors.md
  const [major] = process.versions.node.split('.').map(Number) as [number];
  const heeded = major < 21 || major > 23;
  const possible = cases.filter(([how]) => heeded || how !== 'transfer');
  if (!heeded) test.skip('transfer: Node 21 to 23 ignore the mark');
  test.each([...possible, ['grow', 'logits'] as const, ['grow', 'out'] as const])(
    '%s of %s: the right answer or ERR_CUTLOSS_DETACHED',
    async (how, which) => {
      const { stdout } = await runClean(child('detach'), { args: [how, which], node: ['--expose-gc'] });
      expect(stdout.trim().split(' ')).toHaveLength(4);
    },
  );
});

test('results can be transferred to another thread, and inputs in flight cannot', () =>
  runClean(child('transfer-results')));

test('resizable buffers are refused wherever a buffer is taken', () => runClean(child('resizable')));

test('a SharedArrayBuffer that a worker writes to gives torn values, never a crash', async () => {
  const { stdout } = await runClean(child('shared-memory'));
  expect(stdout).toMatch(/^\d+ answers, \d+ refused\n$/);
});

test.skipIf(process.platform !== 'linux')(
  'a gradient that cannot be allocated is ERR_CUTLOSS_MEMORY, and the next call is right',
  () => runClean(child('out-of-memory')),
);
