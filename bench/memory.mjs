// Memory that a call needs beyond its inputs and gradient: the peak resident set of a fresh process during the call,
// less what was resident before it and the gradient where the call makes it. The process warms up on a small call first,
// so that threads and code pages are not counted.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `child` is the script, and the rest are its arguments. */
export function extraMemory(child, ...args) {
  const script = fileURLToPath(new URL(`./${child}.mjs`, import.meta.url));
  const result = spawnSync(process.execPath, ['--expose-gc', script, ...args.map(String)], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return Number(result.stdout);
}
