// What the benches on a GPU have in common: their options, the device's own copying speed, the clock, and whether two
// results agree.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { devices } from 'cutloss';

export const device = 'cuda:0';

/** --json FILE and --small, and what else takes a value. Without a GPU there is nothing to measure. */
export function parseBench(...named) {
  const withValue = Object.fromEntries(['json', ...named].map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options: { ...withValue, small: { type: 'boolean', default: false } } });
  if (devices().some((info) => info.device === device)) return values;
  console.error('Expected a GPU: cutloss finds none');
  return process.exit(2);
}

/** How fast the device copies, by the program made of device_copy.cu. */
export function copyLimit(program) {
  if (!program) return {};
  const { status, stdout, stderr } = spawnSync(program, [], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) return { problem: stderr };
  const { copy, read } = JSON.parse(stdout);
  return { GBs: copy, read, how: 'cudaMemcpyAsync' };
}

export function seconds(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** As integers, neighbouring floats of one sign are neighbours; numbers too small to matter are left out. */
export function sameNumbers(a, b) {
  const wide = a.BYTES_PER_ELEMENT === 4;
  const [x, y] = wide ? [new Uint32Array(a.buffer), new Uint32Array(b.buffer)] : [a, b];
  const tiny = wide ? 0x0d800000 : 0x0d80; // 2^-100
  const sign = wide ? 0x80000000 : 0x8000;
  const most = wide ? 16 : 2;
  for (let i = 0; i < x.length; i++) {
    if (x[i] === y[i] || ((x[i] & ~sign) < tiny && (y[i] & ~sign) < tiny)) continue;
    if (Math.abs(x[i] - y[i]) > most) return false;
  }
  return true;
}
