// How a command line is understood, and what is said where it is not.

import { describe, expect, test } from 'vitest';
import { digits, helpOf, number, parse, path, toggle, UsageError, word } from '../../src/cli/arguments.js';

const command = {
  name: 'betti',
  operands: ['prediction', 'target'],
  about: 'About it.',
  flags: {
    threshold: number(0.5, 'a number'),
    border: word(['open', 'closed'], 'open', 'a word'),
    dimensions: digits('a list'),
    html: path('a file'),
    json: toggle('a switch'),
  },
} as const;
const of = (...words: string[]) => parse(command, words);

test('flags have defaults, and stand anywhere, after a space or an equals sign', () => {
  const defaults = { threshold: 0.5, border: 'open', dimensions: undefined, html: undefined, json: false };
  expect(of('a', 'b')).toEqual({ operands: ['a', 'b'], flags: defaults });
  expect(
    of('--threshold', '-0.25', 'a', '--json', '--border=closed', 'b', '--dimensions', '0,2,0').flags,
  ).toEqual({
    threshold: -0.25,
    border: 'closed',
    dimensions: [0, 2],
    html: undefined,
    json: true,
  });
});

test('after -- everything is an operand, and so is -', () => {
  expect(of('-', '--', '--json').operands).toEqual(['-', '--json']);
});

test.each([
  [['a'], "Expected prediction and target after 'cutloss betti' but received 'a'"],
  [[], "Expected prediction and target after 'cutloss betti' but received none"],
  [['a', 'b', 'c'], "Expected prediction and target after 'cutloss betti' but received 'a', 'b', 'c'"],
  [
    ['--treshold=1'],
    "Expected an option of 'cutloss betti' but received '--treshold=1': did you mean '--threshold'?",
  ],
  [['-x'], "Expected an option of 'cutloss betti' but received '-x': 'cutloss betti --help' lists them"],
  [
    ['--constructor'],
    "Expected an option of 'cutloss betti' but received '--constructor': 'cutloss betti --help' lists them",
  ],
  [['--threshold', 'x'], "Expected a number for --threshold but received 'x'"],
  [['--threshold', ' '], "Expected a number for --threshold but received ' '"],
  [['--threshold', 'Infinity'], "Expected a number for --threshold but received 'Infinity'"],
  [['--threshold'], 'Expected <number> after --threshold but received nothing'],
  [['--html='], 'Expected <file> after --html but received nothing'],
  [['--html', '--json'], 'Expected <file> after --html but received the option --json'],
  [['--border', 'shut'], "Expected 'open' or 'closed' for --border but received 'shut'"],
  [['--dimensions', '0,,1'], "Expected numbers such as 0,1 for --dimensions but received '0,,1'"],
  [['--json=yes'], "Expected no value for --json but received 'yes'"],
])('%j is refused', (words, message) => {
  expect(() => of(...words)).toThrow(new UsageError(message));
});

describe('the help text', () => {
  test('names every operand and every flag with its value', () => {
    const text = helpOf(command);
    expect(text).toMatch(/^cutloss betti <prediction> <target> \[options\]\n\nAbout it\.\n/);
    for (const flag of [
      '--threshold <number>',
      '--border open|closed',
      '--dimensions <list>',
      '--html <file>',
      '--json',
    ])
      expect(text).toContain(`  ${flag} `);
  });
});
