// What the environment asks of the native build, and whether a build folder was configured for something else.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CUTLOSS_CUDA (AUTO unless set) and CUTLOSS_CUDA_ARCHITECTURES (undefined: all). */
export function nativeSettings() {
  return {
    cuda: (process.env.CUTLOSS_CUDA ?? 'AUTO').toUpperCase(),
    architectures: process.env.CUTLOSS_CUDA_ARCHITECTURES,
  };
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
