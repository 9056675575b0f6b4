// `npm start`, behind its setup: examples run in a fresh process and reach what they are about.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runChild } from './support/child.js';

const start = (...names: string[]) => runChild(join(root, 'scripts/start.mjs'), { args: names });

test('topology mends two rings until the Betti numbers are the target’s, and draws them', async () => {
  const { code, stdout, stderr } = await start('topology');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/the target has 1 components, 2 holes\n/);
  expect(stdout).toMatch(/\n {2}before +after +target\n(.*\n){14}\nafter \d+ steps: 1 components, 2 holes,/);
});

test('next-token learns a speech by heart, in less memory than its logits would take', async () => {
  const { code, stdout, stderr } = await start('next-token');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const losses = [...stdout.matchAll(/^step +\d+ +loss (\S+) +(\d+) of (\d+) words/gm)];
  const [[, first], [, last, right, words]] = [losses[0], losses.at(-1)] as unknown as [string[], string[]];
  expect(Number(first)).toBeGreaterThan(9);
  expect(Number(last)).toBeLessThan(0.5);
  expect(Number(right)).toBeGreaterThan(0.9 * Number(words));
  const [, scratch, logits] = /scratch memory: (\S+) MiB.* (\S+) MiB$/m.exec(stdout) ?? [];
  expect(Number(scratch)).toBeLessThan(0.2 * Number(logits));
});

test('two processes get the loss of the whole batch from moments, and their halves of its gradient', async () => {
  const { code, stdout, stderr } = await start('regions-two-processes');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const losses = [...stdout.matchAll(/^ {2}(?:process \d|one process): loss (\S+)$/gm)].map(([, loss]) =>
    Number(loss),
  );
  expect(losses).toHaveLength(3);
  for (const loss of losses) expect(loss).toBeCloseTo(losses[2] as number, 9);
});

test('segmentation learns masks that brightness alone does not give', async () => {
  const { code, stdout, stderr } = await start('segmentation');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, learned, alone] = /^right: (\d+) % of pixels; by brightness alone (\d+) %$/m.exec(stdout) ?? [];
  expect(Number(learned)).toBeGreaterThan(90);
  expect(Number(alone)).toBeLessThan(70);
});

test('an unknown name is refused with those that there are', async () => {
  const { code, stderr } = await start('topolgy');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      "Expected an example (classifier, next-token, regions-two-processes, segmentation, topology) but received 'topolgy'\n",
  });
});
