// Small programs of the bench, compiled on the spot.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The program made of bench/<name>.cc and the given libraries, or undefined where it cannot be compiled. */
export function compile(name, ...libraries) {
  const folder = `${root}build/bench/`;
  mkdirSync(folder, { recursive: true });
  const program = `${folder}${name}`;
  const flags = ['-std=c++20', '-O3', '-march=native', '-pthread', `-I${root}`];
  const sources = [`${root}bench/${name}.cc`, ...libraries.map((library) => `${root}build/${library}`)];
  const compiled = spawnSync('c++', [...flags, ...sources, '-o', program], { stdio: 'ignore' });
  return compiled.status === 0 ? program : undefined;
}
