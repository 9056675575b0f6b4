// `npm start`, behind its setup: examples run in a fresh process and reach what they are about.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runChild } from './support/child.js';

const start = (...names: string[]) =>
  runChild(join(root, 'scripts/start.mjs'), { args: names, timeout: 110_000 });

/** TensorFlow says this and that about itself on stderr, where it is what runs. */
async function train(name: string): Promise<string> {
  const { code, stdout, stderr } = await start(name);
  expect(code, stderr).toBe(0);
  return stdout;
}

test('topology mends two rings until the Betti numbers are the target’s, and draws them', async () => {
  const { code, stdout, stderr } = await start('topology');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/the target has 1 component, 2 holes\n/);
  expect(stdout).toMatch(/\n {2}before +after +target\n(.*\n){14}\nafter \d+ steps: 1 component, 2 holes,/);
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
  for (const loss of losses) expect(loss).toBeCloseTo(losses[2] as number, 8);
});

test('discs: a model learns masks that brightness alone does not give', async () => {
  const { code, stdout, stderr } = await start('discs');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, learned, alone] = /^right: (\d+) % of pixels; by brightness alone (\d+) %$/m.exec(stdout) ?? [];
  expect(Number(learned)).toBeGreaterThan(90);
  expect(Number(alone)).toBeLessThan(70);
});

test('language-model learns sonnets and says one, in less memory than its logits would take', async () => {
  const stdout = await train('language-model');
  const losses = [...stdout.matchAll(/^step +\d+ +loss (\S+)$/gm)].map(([, loss]) => Number(loss));
  expect(losses[0]).toBeGreaterThan(9);
  expect(losses.at(-1)).toBeLessThan(1.5);
  expect(stdout).toContain("shall i compare thee to a summer's day");
  const [, scratch, logits] = /scratch memory.*: (\S+) MiB.* (\S+) MiB$/m.exec(stdout) ?? [];
  expect(Number(scratch)).toBeLessThan(0.2 * Number(logits));
}, 120_000);

test('segmentation: bettiMatching mends what as many steps more without it do not', async () => {
  const stdout = await train('segmentation');
  const amiss = (name: string): number =>
    Number(new RegExp(`^${name}: .* right, (\\S+) components and holes amiss`, 'm').exec(stdout)?.[1]);
  expect(amiss('with bettiMatching')).toBeLessThan(0.8 * amiss('more of the same'));
  expect(amiss('with bettiMatching')).toBeLessThan(0.6 * amiss('before'));
  const pixels = [...stdout.matchAll(/: (\S+) % of pixels right/g)].map(([, right]) => Number(right));
  expect(Math.min(...pixels)).toBeGreaterThan(95);
}, 120_000);

test('an unknown name is refused with those that there are', async () => {
  const { code, stderr } = await start('topolgy');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      "Expected an example (classifier, discs, next-token, regions-two-processes, topology, language-model, segmentation) but received 'topolgy'\n",
  });
});
