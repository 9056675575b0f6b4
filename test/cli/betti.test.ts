// `cutloss betti` as a user runs it: its numbers are the API's, its exit codes say who is at fault, and no file crashes it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bettiMatchingErrorSync, bettiMatchingSync, bettiNumberErrorSync, bettiNumbersSync } from 'cutloss';
import { describe, expect, test } from 'vitest';
import { root } from '../support/child.js';
import { encodeNpy, encodePng, floatNpy, greyPng, headerOf, pngOf } from '../support/files.js';
import { random } from '../support/random.js';
import { cutloss, scratch } from './command.js';

const write = scratch();

// a ring with a gap and a dot too many, against a ring
const ring = Float32Array.from([
  0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0,
]); // prettier-ignore
const broken = ring.map((value, i) => (i === 9 ? 0.25 : i === 29 ? 0.75 : value));
const pair = [
  write('one/prediction.npy', floatNpy(broken, [5, 6])),
  write('one/target.png', greyPng(ring, [5, 6])),
];

test('a pair of files: a line per dimension, and the errors', async () => {
  const { code, stdout, stderr } = await cutloss(['betti', ...pair]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(lines).toContainEqual(['components', '2', '1', '1', '0', '1 + 0', '1']);
  expect(lines).toContainEqual(['loops', '0', '1', '1', '0', '0 + 1', '1']);
  expect(lines).toContainEqual(['all', '2 0', '1 1', '2', '0', '1 + 1', '2']);
  expect(stdout).toMatch(/\nBetti number error 2, Betti matching error 2\n$/);
});

test('options change what is counted', async () => {
  const numbers = async (...flags: string[]) => {
    const { stdout } = await cutloss(['betti', ...pair, '--json', ...flags]);
    const { bettiNumbers, bettiNumberError } = JSON.parse(stdout).pairs[0];
    return [bettiNumbers.prediction, bettiNumbers.target, bettiNumberError];
  };
  expect(await numbers('--threshold', '0.2')).toEqual([[2, 1], [1, 1], 1]);
  expect(await numbers('--threshold=0.2', '--dimensions', '1')).toEqual([[0, 1], [0, 1], 0]);
  expect(await numbers('--filtration', 'sublevel')).toEqual([[2, 1], [2, 1], 0]);
  expect((await numbers('--border', 'closed'))[0]).toEqual([2, 1]);
});

describe('a folder of 100 pairs', () => {
  const fields = Array.from({ length: 100 }, (_, n) => {
    const source = random(n);
    const target = Float32Array.from({ length: 16 * 12 }, () => Number(source.uniform() < 0.6));
    const prediction = target.map((value) => Math.round(255 * (0.4 * value + 0.6 * source.uniform())) / 255);
    const name = `case-${String(n).padStart(3, '0')}`;
    const file = write(`many/predictions/${name}.png`, greyPng(prediction, [12, 16]));
    write(`many/targets/${name}.npy`, encodeNpy('|u1', [12, 16], Uint8Array.from(target)));
    return { name, file, target, prediction };
  });
  const folder = dirname(dirname(fields[0]?.file as string));
  const folders = [join(folder, 'predictions'), join(folder, 'targets')];
  write('many/predictions/readme.txt', 'not a picture');

  test.each([
    [[], {}],
    [['--filtration', 'sublevel', '--border', 'closed'], { filtration: 'sublevel', border: 'closed' }],
    [['--threshold', '0.8', '--dimensions', '1'], { threshold: 0.8, dimensions: [1] }],
  ] as const)('gives the numbers of the API: %j', async (flags, options) => {
    const { code, stdout, stderr } = await cutloss(['betti', ...folders, '--json', ...flags]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { pairs, mean } = JSON.parse(stdout);
    expect(pairs.map(({ name }: { name: string }) => name)).toEqual(fields.map(({ name }) => name));
    const batch = (values: Float32Array) => ({ data: values, shape: [1, 12, 16] });
    let [numberErrors, matchingErrors] = [0, 0];
    fields.forEach(({ prediction, target }, n) => {
      const inputs = { prediction: batch(prediction), target: batch(target) };
      const { threshold = 0.5, ...rest } = options as { threshold?: number };
      const masks = {
        prediction: batch(prediction.map((value) => Number(value > Math.fround(threshold)))),
        target: batch(target.map((value) => Number(value > threshold))),
      };
      const [matches = []] = bettiMatchingSync(masks, { ...rest, outputs: ['pairs'] }).pairs ?? [];
      const [numberError = NaN] = bettiNumberErrorSync(inputs, options);
      const [matchingError = NaN] = bettiMatchingErrorSync(inputs, options);
      expect(pairs[n]).toMatchObject({
        bettiNumbers: {
          prediction: [...(bettiNumbersSync(inputs.prediction, options)[0] ?? [])],
          target: [...(bettiNumbersSync(inputs.target, options)[0] ?? [])],
        },
        bettiNumberError: numberError,
        bettiMatchingError: matchingError,
        matched: matches.map(({ matched }) => matched.target.birth.length),
        unmatched: {
          prediction: matches.map(({ unmatchedPrediction }) => unmatchedPrediction.birth.length),
          target: matches.map(({ unmatchedTarget }) => unmatchedTarget.birth.length),
        },
      });
      numberErrors += numberError;
      matchingErrors += matchingError;
    });
    expect(mean.bettiNumberError).toBeCloseTo(numberErrors / 100, 10);
    expect(mean.bettiMatchingError).toBeCloseTo(matchingErrors / 100, 10);
    expect(matchingErrors).toBeGreaterThan(0);
  });

  test('is a table of 100 lines and a summary', async () => {
    const { stdout } = await cutloss(['betti', ...folders]);
    expect(stdout.match(/^case-\d{3} /gm)).toHaveLength(100);
    expect(stdout).toMatch(
      /\n100 pairs, on average: Betti number error [\d.]+, Betti matching error [\d.]+; \d+ of 100 with matching error 0\n$/,
    );
  });

  test('is one page', async () => {
    const page = write('many/report.html', '');
    const { code, stderr } = await cutloss(['betti', ...folders, '--html', page]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<script type="application\/json" id="pair-\d+">/g)).toHaveLength(100);
    expect(html).not.toMatch(/<(link|script|img)[^>]*\b(href|src)=/);
    expect(html).not.toMatch(/https?:/);
  });
});

test('three axes: cavities have their line', async () => {
  const shell = Float32Array.from({ length: 125 }, (_, i) => {
    const [z, y, x] = [Math.floor(i / 25) - 2, (Math.floor(i / 5) % 5) - 2, (i % 5) - 2];
    return Number(Math.max(Math.abs(z), Math.abs(y), Math.abs(x)) === 1);
  });
  const file = write('shell.npy', floatNpy(shell, [5, 5, 5]));
  const ball = write(
    'ball.npy',
    floatNpy(
      shell.map((value, i) => (i === 62 ? 1 : value)),
      [5, 5, 5],
    ),
  );
  const { stdout } = await cutloss(['betti', ball, file]);
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(lines).toContainEqual(['cavities', '0', '1', '1', '0', '0 + 1', '1']);
  expect(lines).toContainEqual(['all', '1 0 0', '1 0 1', '1', '0', '0 + 1', '1']);
});

describe('bad input is one sentence and exit code 2', () => {
  const [prediction, target] = pair as [string, string];
  const other = write('one/other.npy', floatNpy([1, 2, 3, 4], [2, 2]));
  const nan = write(
    'one/nan.npy',
    floatNpy(
      broken.map((value, i) => (i === 7 ? Number.NaN : value)),
      [5, 6],
    ),
  );
  const huge = write('one/huge.png', pngOf(headerOf(60_000, 60_000)));
  write('left/a.png', greyPng([1], [1, 1]));
  write('left/b.png', greyPng([1], [1, 1]));
  write('right/a.png', greyPng([1], [1, 1]));
  write('double/a.png', greyPng([1], [1, 1]));
  write('double/a.npy', floatNpy([1], [1, 1]));
  write('empty/readme.txt', '');
  const at = (folder: string): string => join(dirname(dirname(prediction)), folder);

  test.each([
    ['no such file', ['nowhere.png', target], /nowhere\.png: there is no such file or folder/],
    [
      'another format',
      [write('one/a.jpg', 'JFIF'), target],
      /a\.jpg: Expected a PNG or NPY file but received something else/,
    ],
    [
      'an empty file',
      [write('one/b.png', ''), target],
      /b\.png: Expected a PNG or NPY file but received an empty one/,
    ],
    [
      'a truncated file',
      [write('one/c.png', greyPng(ring, [5, 6]).subarray(0, 60)), target],
      /c\.png: Expected a whole PNG file/,
    ],
    [
      'a huge promise',
      [huge, target],
      /huge\.png: Expected a PNG of 1 to 67108864 pixels but received 60000 × 60000/,
    ],
    ['a NaN', [nan, target], /nan\.npy: Expected numbers but received NaN for value 7 in row-major order/],
    [
      'two shapes',
      [other, target],
      /Expected one shape but received 2 × 2 in .*other\.npy and 5 × 6 in .*target\.png/,
    ],
    ['a dimension too many', [prediction, target, '--dimensions', '2'], /Expected dimensions below 2/],
    [
      'a file and a folder',
      [prediction, at('left')],
      /Expected two files or two folders but received a file and a folder/,
    ],
    [
      'a missing counterpart',
      [at('left'), at('right')],
      /Expected a counterpart of .*left\/b\.png in .*right but received none/,
    ],
    [
      'another missing counterpart',
      [at('right'), at('left')],
      /Expected a counterpart of .*left\/b\.png in .*right but/,
    ],
    [
      'two of one name',
      [at('double'), at('right')],
      /Expected one file named 'a' in .*double but received two/,
    ],
    [
      'nothing to compare',
      [at('empty'), at('empty')],
      /Expected PNG or NPY files in .*empty but received none/,
    ],
    [
      'a page nowhere',
      [prediction, target, '--html', '/no/where.html'],
      /^cutloss: \/no: there is no such file or folder/,
    ],
    [
      'a page over what is compared',
      [prediction, target, '--html', target],
      /Expected a file of its own for --html but received .*, which is compared/,
    ],
    [
      'a page that is a folder',
      [prediction, target, '--html', at('left')],
      /Expected a file for --html but received the folder .*left/,
    ],
    [
      'a threshold of another scale',
      [prediction, target, '--threshold', '128'],
      /Expected a --threshold of at least 0 and below 1 but received 128: .*target\.png counts from 0 \(black\) to 1/,
    ],
    ['a device', ['/dev/zero', target], /\/dev\/zero: Expected a file but received something else/],
    ['an unknown option', [prediction, target, '--jso'], /did you mean '--json'\?/],
    ['one operand', [prediction], /Expected prediction and target/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await cutloss(['betti', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^cutloss: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test('and so is a variable of the environment that cannot be', async () => {
    const { code, stderr } = await cutloss(['betti', prediction, target], {
      env: { CUTLOSS_THREADS: 'many' },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^cutloss: Expected [^\n]* for the environment variable CUTLOSS_THREADS but received 'many'\n$/,
    );
  });

  test('and costs no memory on the word of a header', async () => {
    const promised = write(
      'one/promised.png',
      encodePng({ width: 1, height: 1, depth: 8, colour: 0, samples: [1] }),
    );
    const node = ['--max-old-space-size=64'];
    expect((await cutloss(['betti', promised, promised], { node })).code).toBe(0);
    expect((await cutloss(['betti', huge, huge], { node })).code).toBe(2);
  });
});

describe.runIf(process.platform === 'linux')('a full disk', () => {
  test('is one sentence', async () => {
    const script = '"$0" "$@" > /dev/full';
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', script, process.execPath, join(root, 'dist/cjs/cli/main.js'), 'betti', ...pair],
      {
        encoding: 'utf8',
      },
    );
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^cutloss: cannot write what was found: ENOSPC[^\n]*\n$/),
    });
  });
});

describe('the command itself', () => {
  test('says its version, and what there is to know', async () => {
    const version = await cutloss(['--version']);
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await cutloss(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/\n {2}betti .*\n {2}doctor /);
    const betti = await cutloss(['betti', '--help']);
    expect(betti.stdout).toMatch(/^cutloss betti <prediction> <target> \[options\]/);
  });

  test('without a command, or with an unknown one, fails', async () => {
    expect(await cutloss([])).toMatchObject({ code: 2, stdout: '' });
    const { code, stderr } = await cutloss(['bettti']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "cutloss: Expected 'betti' or 'doctor' after 'cutloss' but received 'bettti': did you mean 'betti'?\n",
    });
  });
});
