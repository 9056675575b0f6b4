// The backends of tfjs that the bridge is tested on. They share one engine in a process; each test sets its own.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { bind, type Losses } from 'cutloss/tfjs';
import { beforeAll, describe } from 'vitest';
import { requireTfjsNode, tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';

export type Tf = typeof tfjs;
export type Tensor = tfjs.Tensor;

const folder = tfjsNodeFolder();
const require = createRequire(import.meta.url);
const requireTfjs = folder === undefined ? require : createRequire(join(folder, 'index.js'));
const tf: Tf = folder === undefined ? require('@tensorflow/tfjs') : requireTfjsNode(folder);

const wasm: typeof import('@tensorflow/tfjs-backend-wasm') = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));

/** 'other' stands for all backends that the bridge has no special way to: a second cpu backend. */
const { MathBackendCPU } = requireTfjs('@tensorflow/tfjs-backend-cpu');
tf.registerBackend('other', () => new MathBackendCPU());
tf.copyRegisteredKernels('cpu', 'other');

export const backends = ['cpu', 'wasm', 'tensorflow', 'other'] as const;
export type BackendName = (typeof backends)[number];

/** The tests of a backend; those of 'tensorflow' are skipped, by name, where scripts/setup-tfjs-node.sh did not run. */
export function describeBackends(
  title: string,
  tests: (tf: Tf, losses: Losses<Tf>, name: BackendName) => void,
) {
  for (const name of backends) {
    const missing = name === 'tensorflow' && folder === undefined;
    const why = missing ? ' (tfjs-node is not set up: scripts/setup-tfjs-node.sh)' : '';
    describe.skipIf(missing)(`${title}, ${name}${why}`, () => {
      beforeAll(async () => {
        tf.env().set('IS_TEST', true); // keeps the cpu backend from advertising tfjs-node at its first tensor
        if (!(await tf.setBackend(name)))
          throw new Error(`Expected the backend ${name} to start but it did not`);
        tf.scalar(0).dispose();
        tf.env().set('IS_TEST', false);
      });
      tests(tf, bind(tf), name);
    });
  }
}
