// The code in README and docs runs. Every block marked ts or js is executed by itself, in a process that finds the built
// package by its name, and as it is written: whoever has no TypeScript may type it too. A block that is a piece of a file
// says ```ts fragment and is only parsed. No block is left out.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root, runChild } from './support/child.js';
import { type CodeBlock, codeBlocks, pages } from './support/pages.js';

const blocks = pages()
  .flatMap(codeBlocks)
  .filter(({ language }) => /^(ts|js|mjs|cjs|typescript|javascript)$/.test(language));
const nameOf = ({ page, line }: CodeBlock): string => `${page}, line ${line}`;

function javascript(block: CodeBlock): string {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText, diagnostics = [] } = ts.transpileModule(block.code, {
    compilerOptions: options,
    reportDiagnostics: true,
  });
  expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  return outputText;
}

const greetingOfTfjs = /\n=+\nHi, looks like you are running TensorFlow\.js[^=]*=+\s*\n/;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cutloss-docs-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/cutloss'));
  symlinkSync(join(root, 'node_modules/@tensorflow'), join(folder, 'node_modules/@tensorflow'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('every code block runs', () => {
  const runnable = blocks.filter(({ remark }) => remark !== 'fragment');
  test('the README has one', () => expect(runnable.some(({ page }) => page === 'README.md')).toBe(true));
  test.each(runnable.map((block) => [nameOf(block), block] as const))('%s', async (_, block) => {
    const commonJs = /\brequire\('/.test(block.code) && !/^import /m.test(block.code);
    const file = join(folder, `block-${blocks.indexOf(block)}.${commonJs ? 'cjs' : 'mjs'}`);
    writeFileSync(file, block.code);
    const { code, stderr, milliseconds } = await runChild(file, { timeout: 30_000 });
    expect({ code, stderr: stderr.replace(greetingOfTfjs, ''), milliseconds }).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});

test('they become a site without a warning, whose pages lead to files', { timeout: 180_000 }, async () => {
  const site = join(folder, 'site');
  const args = ['--options', join(root, 'docs/typedoc.config.mjs'), '--out', site];
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
  const { code, stdout, stderr } = await runChild(typedoc, { args, timeout: 170_000 });
  expect(code, `${stdout}${stderr}`).toBe(0);
  const documents = join(site, 'documents');
  const guides = readdirSync(documents).map((name) => join(documents, name));
  expect(guides.length).toBeGreaterThan(15);
  const missing = guides.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/(?:href|src)="([^"#:]+)(?:#[^"]*)?"/g)]
      .map(([, target]) => join(dirname(page), decodeURIComponent(target as string)))
      .filter((target) => !existsSync(target)),
  );
  expect(missing).toEqual([]);
});

test('every fragment parses', () => {
  for (const block of blocks.filter(({ remark }) => remark === 'fragment'))
    expect(javascript(block), nameOf(block)).toBeDefined();
});
