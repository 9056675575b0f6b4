// The page of a bench run: one file, made of what --json wrote, that asks nothing of a network and trusts no name.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runChild } from './support/child.js';

const figure = (size: number, ms: number, bytes: number) => ({
  title: 'loss + gradient, float32',
  size,
  unit: 'logits',
  entries: [
    { name: 'cutloss', ms, bytes },
    { name: 'peer <b>', ms: 10 * ms, bytes: 4 * bytes },
  ],
});
const report = {
  date: '2026-11-29',
  machine: { cpu: 'a CPU', threads: 2, simd: 'avx2', node: 'v20' },
  limits: null,
  peers: ['peer 1.0'],
  results: [
    { suite: 'rows', shape: '[1, 2]', ms: '1.0', figure: figure(1e3, 1, 0) },
    { suite: 'rows', shape: '[1, 2]', ms: '30.0', figure: figure(1e6, 30, 5e6) },
    { suite: 'topology', shape: '3 × 4', ms: '7.0' },
  ],
};

test('a page with a line for each who took part, of time and of memory, and the tables', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-bench-'));
  try {
    const [json, html] = [join(folder, 'run.json'), join(folder, 'deep/page.html')];
    writeFileSync(json, JSON.stringify(report));
    const args = ['--from', json, '--html', html];
    const { code, stderr } = await runChild(join(root, 'bench/run.mjs'), { args });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const page = readFileSync(html, 'utf8');
    expect(page.match(/<polyline points="\S+ \S+"/g)).toHaveLength(4);
    expect(page.match(/<circle/g)).toHaveLength(8);
    expect(page).toContain('<title>cutloss: 30 milliseconds at 1M logits</title>');
    expect(page).toContain('<title>peer &lt;b&gt;: 300 milliseconds at 1M logits</title>');
    expect(page.match(/<table>/g)).toHaveLength(2);
    expect(page).not.toMatch(/<script|<b>|NaN|undefined|(src|href)="(?!data:)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
