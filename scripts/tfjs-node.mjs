// A real tfjs-node, where scripts/setup-tfjs-node.sh has put one; that script is where the folder is decided.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';

/** The folder whose node_modules hold it; undefined where it is not set up. */
export function tfjsNodeFolder() {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = process.env.CUTLOSS_TFJS_NODE || join(cache, 'cutloss/tfjs-node');
  return existsSync(join(folder, '.recipe')) ? folder : undefined;
}

export function requireTfjsNode(folder) {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // tfjs-node 4.22 asks for a function that Node 24 has no more.
  Object.assign(util, { isNullOrUndefined: (value) => value === null || value === undefined });
  return createRequire(join(folder, 'index.js'))('@tensorflow/tfjs-node');
}
