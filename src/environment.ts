// The environment variables: CUTLOSS_THREADS and CUTLOSS_SIMD set up the CPU engine when the addon is loaded,
// CUTLOSS_DEVICE is the default device. An empty variable counts as unset; a wrong one fails every call, clearly.

import { CutlossError, nativeError } from './errors.js';
import type { Native } from './native.js';
import { choice, describe } from './validate.js';

/** The variable's value; undefined where unset or empty. */
export function environment(name: 'CUTLOSS_DEVICE' | 'CUTLOSS_SIMD' | 'CUTLOSS_THREADS'): string | undefined {
  return process.env[name] || undefined;
}

export function applyEnvironment(addon: Native): void {
  const simd = environment('CUTLOSS_SIMD');
  if (simd !== undefined) {
    if (!addon.simdLevels.includes(simd)) {
      const levels = `${choice(addon.simdLevels)}, which this machine can run,`;
      throw wrong('CUTLOSS_SIMD', levels, simd);
    }
    const failure = addon.setSimd(simd);
    if (failure) throw nativeError(failure);
  }

  const threads = environment('CUTLOSS_THREADS');
  if (threads !== undefined) {
    if (!/^[1-9]\d{0,3}$/.test(threads)) throw wrong('CUTLOSS_THREADS', 'an integer from 1 to 9999', threads);
    const failure = addon.setThreads(Number(threads));
    if (failure) throw nativeError(failure);
  }
}

function wrong(name: string, what: string, value: string): CutlossError {
  const message = `Expected ${what} for the environment variable ${name} but received ${describe(value)}`;
  return new CutlossError('ERR_CUTLOSS_OPTION', message, { name });
}
