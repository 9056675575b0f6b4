// Runs a script whose addon's memory is watched, and fails where a test wants it to: hazards/children/watched-memory.c.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Circumstances, type Ending, runClean } from './child.js';

const source = fileURLToPath(new URL('../hazards/children/watched-memory.c', import.meta.url));

export class WatchedMemory {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cutloss-memory-'));
  readonly #library = join(this.#folder, 'watched-memory.so');
  #runs = 0;

  constructor() {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', this.#library, source, '-ldl', '-pthread']);
  }

  run(script: URL, ...args: readonly string[]): Promise<Ending> {
    return this.runWith({ timeout: 170_000 }, script, ...args);
  }

  runWith(more: Circumstances, script: URL, ...args: readonly string[]): Promise<Ending> {
    const orders = join(this.#folder, `orders-${this.#runs++}`);
    writeFileSync(orders, BigInt64Array.of(-(2n ** 63n), 0n, 0n, 0n));
    const env = { LD_PRELOAD: this.#library, CUTLOSS_ORDERS: orders, CUTLOSS_INLINE_ELEMENTS: '0' };
    return runClean(script, { ...more, args, env: { ...env, ...more.env } });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
