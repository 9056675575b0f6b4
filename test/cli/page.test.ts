// The page of `cutloss betti --html` in a real browser: it says nothing on the console, shows the API's bars and answers the
// mouse. Skipped, by name, where there is no Chromium.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { floatNpy, greyPng } from '../support/files.js';
import { cutloss, scratch } from './command.js';

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);
const write = scratch();

/** Lets the script loose on the page, once that is drawn; what it returns comes back, beside what the console saw. */
async function browse(
  args: readonly string[],
  script: string,
): Promise<{ result: unknown; console: string[] }> {
  const file = write('page.html', '');
  const { code, stderr } = await cutloss(['betti', ...args, '--html', file]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const probe = `<script>
    const settled = () => new Promise((done) => setTimeout(done, 300));
    settled().then(async () => { ${script} }).then((result) => {
      const place = document.createElement('pre');
      place.id = 'result';
      place.textContent = encodeURIComponent(JSON.stringify(result));
      document.body.append(place);
    });
  </script>`;
  const probed = write('probed.html', `${readFileSync(file, 'utf8')}${probe}`);
  const profile = mkdtempSync(join(tmpdir(), 'cutloss-browser-'));
  try {
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--window-size=1340,1000',
      `--user-data-dir=${profile}`,
    ];
    const ours = ['--virtual-time-budget=10000', '--enable-logging=stderr', '--dump-dom', `file://${probed}`];
    const { stdout, stderr: log } = spawnSync(browser as string, [...flags, ...ours], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    const result = /<pre id="result">(.*?)<\/pre>/.exec(stdout)?.[1];
    expect(result, log).toBeDefined();
    return {
      result: JSON.parse(decodeURIComponent(result as string)),
      console: log.split('\n').filter((line) => line.includes(':CONSOLE')),
    };
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

const counts = `document.querySelector('#counts').textContent`;
/** Moves the mouse to a point of an element, as shares of its size, and returns what the tip says. */
const hover = (selector: string, x: number, y: number): string => `(() => {
  const box = document.querySelector('${selector}').getBoundingClientRect();
  document.querySelector('${selector}').dispatchEvent(new MouseEvent('mousemove', {
    clientX: box.left + ${x} * box.width, clientY: box.top + ${y} * box.height }));
  const tip = document.querySelector('#tip');
  return tip.hidden ? '' : tip.textContent;
})()`;

describe.skipIf(browser === undefined)('the page of a report, in Chromium', () => {
  const field = (
    ...blobs: readonly (readonly [value: number, row: number, column: number])[]
  ): Float32Array => {
    const values = new Float32Array(64);
    for (const [value, row, column] of blobs)
      for (const at of [0, 1, 8, 9]) values[8 * row + column + at] = value;
    return values;
  };
  // two blobs in both fields, one more in the prediction
  const prediction = write(
    'p/<b>&amp;.npy',
    floatNpy(field([0.875, 1, 1], [0.75, 5, 5], [0.5, 1, 5]), [8, 8]),
  );
  const target = write('t/<b>&amp;.png', greyPng(field([1, 1, 1], [1, 5, 5]), [8, 8]));

  test('shows what is matched and what is not, and says birth and death under the mouse', async () => {
    const { result, console } = await browse(
      [prediction, target],
      `return {
        counts: ${counts},
        row: [...document.querySelectorAll('tbody td')].map((cell) => cell.textContent),
        matched: ${hover('#prediction-picture', 5.5 / 8, 5.5 / 8)},
        same: ${hover('#target-picture', 5.5 / 8, 5.5 / 8)},
        inside: ${hover('#target-picture', 6.6 / 8, 6.6 / 8)},
        extra: ${hover('#prediction-picture', 5.5 / 8, 1.5 / 8)},
        nothing: ${hover('#target-picture', 5.5 / 8, 1.5 / 8)},
        bar: ${hover('#target-barcode', 0.5, 0.04)},
        point: ${hover('#diagram', 0.52, 0.925)},
        slices: document.querySelector('#slicing').offsetWidth > 0,
      }`,
    );
    expect(console).toEqual([]);
    const matched = 'Component, matched\nprediction: birth 0.75, death 0\ntarget: birth 1, death 0';
    const extra = 'Component, without a counterpart\nprediction: birth 0.5, death 0';
    expect(result).toEqual({
      counts: '1 matched, 1 only in the prediction, 0 only in the target, 0 shorter ones hidden',
      row: [prediction, '2 0', '2 0', '0', '0'],
      matched,
      same: matched,
      inside: matched,
      extra,
      nothing: '',
      bar: matched,
      point: extra,
      slices: false,
    });
  });

  test('hides short bars, and changes dimension', async () => {
    const { result, console } = await browse(
      [prediction, target],
      `const shortest = document.querySelector('#shortest');
      shortest.value = '0.6';
      shortest.dispatchEvent(new Event('input'));
      const components = ${counts};
      document.querySelectorAll('[name=dimension]')[1].click();
      return [components, ${counts}];`,
    );
    expect(console).toEqual([]);
    expect(result).toEqual([
      '1 matched, 0 only in the prediction, 0 only in the target, 1 shorter ones hidden',
      '0 matched, 0 only in the prediction, 0 only in the target, 0 shorter ones hidden',
    ]);
  });

  test('of volumes has a slice, and shows the features of that slice', async () => {
    const volume = (value: number): Float32Array => {
      const values = new Float32Array(4 * 64);
      values[9] = 1;
      values[3 * 64 + 54] = value;
      return values;
    };
    const files = [0.5, 1].map((value) => write(`v/${value}.npy`, floatNpy(volume(value), [4, 8, 8])));
    const { result, console } = await browse(
      [...files, '--dimensions', '0'],
      `const slice = document.querySelector('#slice');
      const tips = [0, 3].map((at) => {
        slice.value = at;
        slice.dispatchEvent(new Event('input'));
        return ${hover('#target-picture', 6.5 / 8, 6.5 / 8)};
      });
      return [slice.max, ...tips];`,
    );
    expect(console).toEqual([]);
    const matched = 'Component, matched\nprediction: birth 0.5, death 0\ntarget: birth 1, death 0';
    expect(result).toEqual(['3', '', matched]);
  });
});
