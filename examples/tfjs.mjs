// The tfjs that the examples run on: tfjs-node where scripts/setup-tfjs-node.sh has set it up, else the wasm backend.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { requireTfjsNode, tfjsNodeFolder } from '../scripts/tfjs-node.mjs';

export async function loadTfjs() {
  const folder = tfjsNodeFolder();
  if (folder !== undefined) return requireTfjsNode(folder);
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs');
  const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  await tf.setBackend('wasm');
  return tf;
}
