// The progress bar writes to a terminal, within its width, and to nothing else.

import { expect, test } from 'vitest';
import { Progress, type Screen } from '../../src/cli/progress.js';

function recorded(screen: Omit<Screen, 'write'>, total: number): string[] {
  const written: string[] = [];
  const progress = new Progress({ ...screen, write: (text) => written.push(text) }, total);
  for (let done = 0; done < total; done++) progress.show(done, `image-${done}`);
  progress.end();
  return written;
}

test('a terminal sees it fill and go away', () => {
  const written = recorded({ isTTY: true, columns: 60 }, 4);
  expect(written).toEqual([
    '\r\x1b[K░░░░░░░░░░░░░░░░░░░░░░░░ 0 of 4  image-0',
    '\r\x1b[K██████░░░░░░░░░░░░░░░░░░ 1 of 4  image-1',
    '\r\x1b[K████████████░░░░░░░░░░░░ 2 of 4  image-2',
    '\r\x1b[K██████████████████░░░░░░ 3 of 4  image-3',
    '\r\x1b[K',
  ]);
});

test('a narrow terminal is not overrun', () => {
  for (const text of recorded({ isTTY: true, columns: 30 }, 3))
    expect(text.length - '\r\x1b[K'.length).toBeLessThan(30);
});

test('a pipe sees nothing, and neither does anyone where there is one pair', () => {
  expect(recorded({}, 4)).toEqual([]);
  expect(recorded({ isTTY: false }, 4)).toEqual([]);
  expect(recorded({ isTTY: true }, 1)).toEqual([]);
});
