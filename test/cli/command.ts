// The built command in a process of its own, and folders for it to work on.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type Circumstances, type Ending, root, runChild } from '../support/child.js';

export function cutloss(args: readonly string[], circumstances: Circumstances = {}): Promise<Ending> {
  return runChild(join(root, 'dist/cjs/cli/main.js'), { ...circumstances, args });
}

/** A folder that goes when the tests of the file are done; the function writes a file into it and says where. */
export function scratch(): (name: string, content: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'cutloss-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
}
