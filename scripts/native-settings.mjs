// What the environment asks of the native build, and whether a build folder was configured for something else.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CUTLOSS_CUDA (AUTO unless set) and CUTLOSS_CUDA_ARCHITECTURES (undefined unless set). */
export function nativeSettings() {
  return {
    cuda: (process.env.CUTLOSS_CUDA ?? 'AUTO').toUpperCase(),
    architectures: process.env.CUTLOSS_CUDA_ARCHITECTURES,
  };
}

/** What a checkout is built for: the GPUs of this machine, or the finest kernels where it has none. */
export function localArchitectures() {
  const asked = spawnSync('nvidia-smi', ['--query-gpu=compute_cap', '--format=csv,noheader'], {
    encoding: 'utf8',
  });
  const found = asked.status === 0 ? (asked.stdout.match(/^\d+\.\d+$/gm) ?? []) : [];
  const names = found
    .map((capability) => capability.replace('.', ''))
    .map((name) => (name === '90' ? '90a' : name));
  return [...new Set(names.length > 0 ? names : ['90a'])].map((name) => `${name}-real`).join(';');
}

/** Settings that the environment leaves open agree with whatever is there. */
export function settingsChanged(folder) {
  const cache = join(folder, 'CMakeCache.txt');
  if (!existsSync(cache)) return false;
  const text = readFileSync(cache, 'utf8');
  const cached = (name) => new RegExp(`^${name}(?::\\w+)?=(.*)$`, 'm').exec(text)?.[1];
  const { cuda, architectures } = nativeSettings();
  return (
    (process.env.CUTLOSS_CUDA !== undefined && cached('CUTLOSS_CUDA') !== cuda) ||
    (architectures !== undefined && cached('CMAKE_CUDA_ARCHITECTURES') !== architectures && cuda !== 'OFF')
  );
}
