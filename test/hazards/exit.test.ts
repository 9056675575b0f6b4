// The exit matrix: every way a process may end, in every state of the engine. The exit code, the signal and all output
// are those of the same script without the package, and nothing hangs. CUTLOSS_EXIT_REPEATS repeats each.

import { describe, expect, test } from 'vitest';
import { type Circumstances, type Ending, runChild, several } from '../support/child.js';

const repeats = Number(process.env.CUTLOSS_EXIT_REPEATS ?? 1);
const script = new URL('./children/exit.mjs', import.meta.url);
const inWorker = new URL('./children/exit-in-worker.mjs', import.meta.url);

const endings: Record<string, { code?: number; signal?: NodeJS.Signals }> = {
  dry: { code: 0 },
  exitCode: { code: 3 },
  exit: { code: 7 },
  exitSoon: { code: 8 },
  beforeExit: { code: 9 },
  throw: { code: 1 },
  rejection: { code: 1 },
  SIGTERM: { signal: 'SIGTERM' },
  SIGINT: { signal: 'SIGINT' },
  SIGHUP: { signal: 'SIGHUP' },
  SIGKILL: { signal: 'SIGKILL' },
  abort: { signal: 'SIGABRT' },
};
const states = ['idle', 'sync', 'async', 'worker'];

/** All output, without numbers, and without the package's own frames in the stack that abort() prints. */
const said = ({ stdout, stderr }: Ending): string =>
  `${stdout}${stderr}`.replace(/^.*\/dist\/.*\n/gm, '').replace(/0x[0-9a-f]+|\d+/g, '#');
const expectEnding = (ending: Ending, { code, signal }: { code?: number; signal?: NodeJS.Signals }): void =>
  expect({ code: ending.code, signal: ending.signal }, ending.stderr).toEqual({
    code: code ?? null,
    signal: signal ?? null,
  });

describe.each(Object.keys(endings))('a process that ends by %s', (ending) => {
  const expected = endings[ending] as { code?: number; signal?: NodeJS.Signals };
  const by: Circumstances = ending.startsWith('SIG') ? { signalOnGo: ending as NodeJS.Signals } : {};
  const run = (state: string, env: Record<string, string>): Promise<Ending> =>
    runChild(script, { ...by, args: [ending, state], env, timeout: 20_000 });

  test.each(states)('%s', async (state) => {
    const [control, found] = await Promise.all([
      run(state, { CONTROL: '1' }),
      several(repeats, () => run(state, {})),
    ]);
    expectEnding(control, expected);
    for (const one of found) {
      expectEnding(one, expected);
      expect(said(one)).toBe(said(control));
      expect(one.milliseconds, 'nothing hangs').toBeLessThan(control.milliseconds + 2000);
    }
  });
});

test.each([
  ['dry', 0],
  ['exit', 7],
  ['exitSoon', 8],
  ['throw', 1],
  ['rejection', 1],
])(
  'a worker that ends itself by %s with jobs in flight leaves the main thread computing',
  async (how, code) => {
    for (let i = 0; i < repeats; i++) {
      const ending = await runChild(inWorker, { args: [how], timeout: 20_000 });
      expectEnding(ending, { code });
      expect(ending.stderr).toBe('');
    }
  },
);
