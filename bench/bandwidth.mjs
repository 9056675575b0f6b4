// What the machine's memory can do, measured by a few lines of C++ compiled on the spot: the limit that a loss which only
// reads its logits, or reads them and writes a gradient, is held against.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./bandwidth.cc', import.meta.url));
const folder = fileURLToPath(new URL('../build/bench/', import.meta.url));

/** {read, copy} in GB/s on all processors, or undefined where there is no compiler. */
export function bandwidth() {
  mkdirSync(folder, { recursive: true });
  const program = `${folder}bandwidth`;
  const compiled = spawnSync(
    'c++',
    ['-std=c++20', '-O3', '-march=native', '-pthread', source, '-o', program],
    {
      stdio: 'ignore',
    },
  );
  if (compiled.status !== 0) return undefined;
  const result = spawnSync(program, { encoding: 'utf8' });
  return result.status === 0 ? JSON.parse(result.stdout) : undefined;
}
