// The house rules that a person would have to remember: a loss has its source, reference, conformance cases and line in
// the README; an objective has its reference; errors and options are documented; links lead somewhere.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import * as cutloss from 'cutloss';
import { describe, expect, test } from 'vitest';
import { crossEntropyCases } from './conformance/cross-entropy.cases.js';
import { operationsOnMoments, regionCases } from './conformance/regions.cases.js';
import { entryPoints } from './hazards/children/entry-points.mjs';
import { objectives } from './reference/objectives.js';
import { root } from './support/child.js';
import { pages } from './support/pages.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

// What the package exports in two forms, name and nameSync, is a loss (or an operation that has to be tested like one).
const losses = Object.keys(cutloss)
  .filter((name) => `${name}Sync` in cutloss)
  .sort();

// Functions of one subject share its reference, cases and suite.
const subjects: Readonly<Record<string, string>> = {
  persistence: 'topology',
  bettiMatching: 'topology',
  bettiMatchingError: 'topology',
  bettiNumberError: 'topology',
  bettiNumbers: 'topology',
  prepareTarget: 'topology',
  ...Object.fromEntries(
    [...regionCases.map((item): string => item.loss), ...operationsOnMoments].map((name) => [
      name,
      'regions',
    ]),
  ),
};

describe('every loss', () => {
  test('is exported, at least one', () => expect(losses).toContain('crossEntropy'));

  test('has its file in src/losses, and no file there exports another', () => {
    const written = files('src/losses', '.ts').flatMap((name) =>
      [...read(`src/losses/${name}.ts`).matchAll(/^export (?:async )?function (\w+)Sync\(/gm)].map(
        (match) => [match[1], name],
      ),
    );
    expect(written.sort()).toEqual(losses.map((name) => [name, kebab(name)]));
  });

  test('has a reference with its own test, conformance cases and a suite, and none of these is without a loss', () => {
    const names = [...new Set(losses.map((name) => subjects[name] ?? kebab(name)))].sort();
    const notLosses = [
      'objectives',
      'finite-differences',
      'region-terms',
      'region-indices',
      'lovasz',
      'soft-cl-dice',
      'skeleton-recall',
    ];
    expect(
      files('test/reference', '.ts').filter((name) => !name.endsWith('.test') && !notLosses.includes(name)),
    ).toEqual(names);
    for (const name of names)
      expect(existsSync(join(root, `test/reference/${name}.test.ts`)), name).toBe(true);
    expect(files('test/conformance', '.cases.ts')).toEqual(names);
    expect(
      files('test/conformance', '.test.ts').filter((name) => name !== 'tolerance' && !name.includes('.')),
    ).toEqual(names);
  });

  test("has its row in the README's table of losses, and no row is without a loss", () => {
    const section =
      read('README.md')
        .split(/^#+ /m)
        .find((part) => /^.*\blosses\b/i.test(part)) ?? '';
    const rows = [...section.matchAll(/^\| *\[?`(\w+)`/gm)].map((match) => match[1]).sort();
    expect(rows).toEqual(losses);
  });
});

test('every entry point is among those that the hazards call', () =>
  expect([...entryPoints].sort()).toEqual(losses));

test('every promise of docs/trust.md is an item of npm run test:trust', () => {
  const numbers = (text: string, pattern: RegExp): number[] => [
    ...new Set([...text.matchAll(pattern)].map((match) => Number(match[1]))),
  ];
  const promises = numbers(read('docs/trust.md'), /^\| (\d+) \|/gm);
  expect(promises).toContain(12);
  expect(numbers(read('scripts/trust/items.mjs'), /\bitem: (\d+)/g)).toEqual(promises);
});

describe('every row objective', () => {
  const listed = [...read('math/rows/objectives.h').matchAll(/\blist\(([A-Z]\w+)\)/g)].map((match) =>
    (match[1] as string).replace(/^./, (c) => c.toLowerCase()),
  );

  test('of the engine has its header and its reference', () => {
    expect([...listed].sort()).toEqual(Object.keys(objectives).sort());
    const headers = files('math/rows/objectives', '.h').map((name) =>
      name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase()),
    );
    expect(headers).toEqual([...listed].sort());
  });

  test('is run by the conformance cases', () => {
    const run = new Set(
      crossEntropyCases.map(
        ({ options }) => (options?.objective as { kind?: string })?.kind ?? options?.objective,
      ),
    );
    expect(listed.filter((name) => !run.has(name))).toEqual([]);
    expect(crossEntropyCases.some((item) => item.passAtN)).toBe(true);
  });
});

describe('errors', () => {
  const codesIn = (text: string): string[] => [...new Set(text.match(/\bERR_CUTLOSS_[A-Z]+\b/g))].sort();

  test('docs/errors.md explains exactly the codes of the code', () =>
    expect(codesIn(read('docs/errors.md'))).toEqual(codesIn(read('src/errors.ts'))));

  test('no other page or source names a code that does not exist', () => {
    const known = codesIn(read('src/errors.ts'));
    const texts = [
      ...pages(),
      ...files('src', '.ts').map((name) => `src/${name}.ts`),
      ...files('src/losses', '.ts').map((name) => `src/losses/${name}.ts`),
    ];
    for (const path of texts) for (const code of codesIn(read(path))) expect(known, path).toContain(code);
  });
});

// The code says which names it knows when it is given one that it does not.
describe('docs/options.md', () => {
  /** The rows of every table, by the anchor of its heading; the first is that of columns' names. */
  const tables = new Map(
    read('docs/options.md')
      .split(/^#+ /m)
      .map((section) => [
        (section.split('\n')[0] as string).toLowerCase().replace(/ /g, '-'),
        [...section.matchAll(/^\| (?!---)(.*) \|$/gm)].map((row) => (row[1] as string).split(' | ')),
      ]),
  );
  const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
  const rowsOf = (anchor: string): string[][] => tables.get(anchor)?.slice(1) ?? [];
  const functions = rowsOf('options');
  const own = rowsOf('options-of-one-loss-of-regions');
  const objects = rowsOf('options-that-are-objects');

  /** What the function's line leads to; of a table that it takes in part, the names that the line gives. */
  const documented = (name: string): string[] => {
    const takes = functions.find(([cell]) => codes(cell).includes(name))?.[1] ?? '';
    const names = takes.split(', ').flatMap((part) => {
      const anchor = /\(#([\w-]+)\)/.exec(part)?.[1] ?? '';
      return part.startsWith('of ') ? codes(part) : rowsOf(anchor).flatMap(([cell]) => codes(cell));
    });
    names.push(...own.flatMap(([cell, of]) => (codes(of).includes(name) ? codes(cell) : [])));
    return [...new Set(names)].sort();
  };
  const row = cutloss.tensor([[1, 2]]);
  const targets = cutloss.tensor(new Int32Array([0]));
  // Options are read before inputs, except for objectives, and for what regionLoss takes before both.
  const argumentsOf: Readonly<Record<string, () => unknown[]>> = {
    crossEntropy: () => [{ logits: row, targets }],
    cutCrossEntropy: () => [{ hidden: row, classifier: row, targets }],
    regionLoss: () => ['dice', cutloss.regionMomentsSync({ predictions: row, targets }), {}],
  };
  const calls = cutloss as unknown as Readonly<Record<string, (...given: unknown[]) => unknown>>;
  const known = (name: string, options: object): string[] => {
    const given = argumentsOf[name]?.() ?? [{}];
    try {
      calls[`${name}Sync`]?.(...given, options);
    } catch (error) {
      const found = (error as cutloss.CutlossError).details?.known;
      if (Array.isArray(found)) return found.filter((each) => each !== 'kind').sort();
      throw error;
    }
    throw new Error(`${name} took an option that there is not`);
  };
  const nothing = { noSuchOption: 1 };

  test('has a line for every function, and no line is without one', () =>
    expect(functions.flatMap(([cell]) => codes(cell)).sort()).toEqual(losses));

  test.each(losses)('lists exactly the options of %s', (name) =>
    expect(documented(name)).toEqual(known(name, nothing)),
  );

  test('says of options of one loss whether they are its own', () => {
    const line = (name = ''): string => functions.find(([cell]) => codes(cell).includes(name))?.[1] ?? '';
    const owners = new Set(own.flatMap(([, of]) => codes(of)));
    expect(losses.filter((name) => /its own$/.test(line(name)))).toEqual([...owners].sort());
  });

  const kinds = [...new Set(objects.map(([cell]) => cell as string))];
  test('names the objects among options', () => expect(kinds.length).toBeGreaterThan(4));
  test.each(kinds)('lists exactly what the object %s has', (kind) => {
    const names = objects.flatMap(([cell, of]) => (cell === kind ? codes(of) : [])).sort();
    const [option = '', objective] = codes(kind).map((code) => code.replaceAll("'", ''));
    const value = objective === undefined ? nothing : { kind: objective, ...nothing };
    const takers = losses.filter((name) => documented(name).includes(option));
    expect(takers).not.toEqual([]);
    for (const name of takers) expect(known(name, { [option]: value }), name).toEqual(names);
  });
});

test('every relative link of every page leads to a file, and every anchor to a heading', () => {
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replace(/ /g, '-');
  const headings = (path: string): string[] =>
    [...read(path).matchAll(/^#+ +(.*)$/gm)].map((match) => anchor(match[1] as string));
  const broken: string[] = [];
  for (const page of pages()) {
    const text = read(page).replace(/```[\s\S]*?```/g, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', hash] = target.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path));
      if (!existsSync(join(root, file))) broken.push(`${page}: ${target}`);
      else if (hash && file.endsWith('.md') && !headings(file).includes(hash))
        broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

// nvcc names what is in one after the folder of the file: two builds would not be the same bytes.
test('no kernel lies in an unnamed namespace', () => {
  const folders = ['cut_rows', 'planes', 'regions', 'rows', 'topology'].filter((name) =>
    existsSync(join(root, 'cuda', name)),
  );
  const kernels = folders.flatMap((name) =>
    files(`cuda/${name}`, '.cu').map((file) => `cuda/${name}/${file}.cu`),
  );
  expect(kernels.length).toBeGreaterThan(20);
  expect(kernels.filter((path) => /^namespace \{/m.test(read(path)))).toEqual([]);
});
