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

test('an unknown name is refused with those that there are', async () => {
  const { code, stderr } = await start('topolgy');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "Expected an example (classifier, topology) but received 'topolgy'\n",
  });
});
