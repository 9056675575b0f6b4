// The resident set of this process, from Linux; run with --expose-gc.
import { readFileSync, writeFileSync } from 'node:fs';

/** 'VmRSS' now, or 'VmHWM', the most since startPeak(). */
export function resident(field) {
  return (
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  );
}

export function startPeak() {
  writeFileSync('/proc/self/clear_refs', '5');
}

/** Array buffers are freed in the background after a collection. */
export async function settle() {
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 200));
}
