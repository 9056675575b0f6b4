// The markdown pages of the repository and the code blocks in them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.js';

/** Paths from the root: the pages at the top, and those of docs/ and examples/. */
export function pages(): string[] {
  return ['.', 'docs', 'examples', 'bench', 'test']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => (folder === '.' ? name : `${folder}/${name}`)),
    )
    .filter((path) => path.endsWith('.md'))
    .sort();
}

export interface CodeBlock {
  readonly page: string;
  readonly line: number;
  readonly language: string; // the first word after the fence
  readonly remark: string; // what follows it
  readonly code: string;
}

export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1] as string,
    remark: (match[2] as string).trim(),
    code: match[3] as string,
  }));
}
