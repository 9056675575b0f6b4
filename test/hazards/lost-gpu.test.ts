// A GPU that is lost to the process while it works, on the emulated GPU: typed errors from then on, the CPU computes, and
// the process ends well. test/native/cuda/lost_test.cc does it at every call of the runtime.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { root, runClean } from '../support/child.js';

const emulated = process.env.CUTLOSS_TEST_EMULATED ?? join(root, 'build/emulated');

test.skipIf(!existsSync(join(emulated, 'build/Release/cutloss.node'))).each(['3', '12', '40', '150', '400'])(
  'a GPU that is lost at call %s of the runtime',
  async (moment) => {
    const env = { CUTLOSS_PREBUILD: resolve(emulated), CUTLOSS_EMULATED_LOST_AFTER: moment };
    const { stdout } = await runClean(new URL('./children/lost-gpu.mjs', import.meta.url), { env });
    const { well } = JSON.parse(stdout);
    if (moment === '400') expect(well, 'it worked before').toBeGreaterThan(0);
  },
);
