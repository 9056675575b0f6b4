// What the machine's memory can do, measured by a few lines of C++: the limit that a loss which only reads its logits, or
// reads them and writes a gradient, is held against.
import { spawnSync } from 'node:child_process';
import { compile } from './native.mjs';

/** {read, copy} in GB/s on all processors, or undefined where there is no compiler. */
export function bandwidth() {
  const program = compile('bandwidth');
  if (program === undefined) return undefined;
  const result = spawnSync(program, { encoding: 'utf8' });
  return result.status === 0 ? JSON.parse(result.stdout) : undefined;
}
