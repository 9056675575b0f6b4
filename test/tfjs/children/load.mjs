// tfjs with the backend that the process was asked for, in a process of its own.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';

export async function load(name) {
  const require = createRequire(import.meta.url);
  console.warn = () => {}; // tfjs advertises itself
  if (name === 'tensorflow') {
    Object.assign(util, { isNullOrUndefined: (value) => value === null || value === undefined });
    return createRequire(join(process.env.CUTLOSS_TFJS_NODE, 'index.js'))('@tensorflow/tfjs-node');
  }
  const tf = require('@tensorflow/tfjs');
  if (name === 'wasm') {
    const wasm = require('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  }
  await tf.setBackend(name);
  return tf;
}
