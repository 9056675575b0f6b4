// Random malformed calls in a child process: none may crash, hang, give a silent wrong answer or an untyped error. The
// seed of a failure is printed. CUTLOSS_FUZZ_CALLS sets how many (100,000 for a release), CUTLOSS_FUZZ_SEED the first.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runChild } from '../support/child.js';

const calls = Number(process.env.CUTLOSS_FUZZ_CALLS ?? 20_000);
const seed = process.env.CUTLOSS_FUZZ_SEED ?? '1';
const loader = new URL('../support/typescript.mjs', import.meta.url).href;

async function run(script: string, env: Record<string, string> = {}): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-fuzz-'));
  try {
    const progress = join(folder, 'seed');
    const { code, signal, stdout, stderr } = await runChild(new URL(script, import.meta.url), {
      node: ['--import', loader],
      args: [seed, `${calls}`, progress],
      env,
      timeout: 60_000 + calls * 5,
    });
    const at = readFileSync(progress, 'utf8').trim();
    expect({ code, signal, stderr }, `at seed ${at}: ${stdout.slice(-3000)}`).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each([
  ['where they are made', {}],
  ['through the queue, however small', { CUTLOSS_INLINE_ELEMENTS: '0' }],
])(
  `${calls} malformed calls of crossEntropy end in the right error or the right answer, %s`,
  {
    timeout: 120_000 + calls * 5,
  },
  async (_, env) => {
    const tally = await run('./malformed-calls.ts', env);
    const total = Object.values(tally).reduce((a, b) => a + b, 0);
    expect(total).toBe(calls);
    if (calls < 10_000) return;
    for (const code of ['SHAPE', 'DTYPE', 'OPTION', 'TARGET', 'DETACHED', 'DISPOSED']) {
      expect(tally[`ERR_CUTLOSS_${code}`], `${code} was met often enough to mean something`).toBeGreaterThan(
        calls / 500,
      );
    }
    expect(tally.answers).toBeGreaterThan(calls / 20);
  },
);

test.each([
  ['the entry points beside losses', './other-entries.ts', 0.01],
  ['the functions of topology', './topology-calls.ts', 0.2],
  ['cutCrossEntropy', './cut-calls.ts', 0.2],
  ['the losses of regions', './region-calls.ts', 0.3],
  ['the readers of files', './files.ts', 0.1],
])(
  `${calls} random calls of %s end in a typed error or in what they promise`,
  { timeout: 120_000 + calls * 5 },
  async (_, script, answers) => {
    const tally = await run(script);
    expect(Object.values(tally).reduce((a, b) => a + b, 0)).toBe(calls);
    expect(tally.answers).toBeGreaterThan(answers * calls);
  },
);
