// Used by gpu-pack.sh: puts into the folder what needs more than copying. The tests as JavaScript, the runner and the
// matchers of vitest without the rest of it (1 MB instead of 44), node-gyp-build, and MANIFEST.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const [stage, architectures, cuda] = process.argv.slice(2);

function writeText(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Types are stripped, nothing else changes: relative imports name '.js' already. */
function transpile(path) {
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      verbatimModuleSyntax: true,
    },
    fileName: path,
  });
  writeText(join(stage, path.replace(/\.ts$/, '.js')), outputText);
}

for (const folder of ['test/conformance', 'test/reference', 'test/support']) {
  for (const name of readdirSync(folder)) {
    const runsHere = folder === 'test/conformance' || !name.endsWith('.test.ts');
    if (name.endsWith('.ts') && runsHere) transpile(join(folder, name));
  }
}

/** A package and what it needs at run time, from node_modules to the folder's. */
const copied = new Set();
function copyPackage(name) {
  if (copied.has(name)) return;
  copied.add(name);
  const from = join('node_modules', name);
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  cpSync(from, join(stage, from), {
    recursive: true,
    filter: (path) => !/\.(d\.[cm]?ts|map|md)$/.test(path) && !path.endsWith('/node_modules'),
  });
  for (const needed of Object.keys(dependencies)) if (!needed.startsWith('@types/')) copyPackage(needed);
}
for (const name of ['node-gyp-build', '@vitest/runner', '@vitest/expect']) copyPackage(name);

const vitest = JSON.parse(readFileSync('node_modules/vitest/package.json', 'utf8')).version;
writeText(
  join(stage, 'node_modules/vitest/package.json'),
  JSON.stringify({ name: 'vitest', version: vitest, type: 'module', exports: './index.js' }),
);
cpSync('scripts/gpu/vitest.mjs', join(stage, 'node_modules/vitest/index.js'));

/** The newest glibc that anything here asks for; Node itself asks for less. */
function neededGlibc() {
  const programs = readdirSync(join(stage, 'programs')).map((name) => join(stage, 'programs', name));
  const symbols = execFileSync('objdump', ['-T', ...programs, join(stage, 'build/Release/cutloss.node')], {
    encoding: 'utf8',
  });
  const minors = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]));
  return `2.${Math.max(...minors)}`;
}

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const sha256 = {};
for (const entry of readdirSync(stage, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  sha256[path.slice(stage.length + 1)] = createHash('sha256').update(readFileSync(path)).digest('hex');
}
const manifest = {
  cutloss: JSON.parse(readFileSync('package.json', 'utf8')).version,
  commit: git('rev-parse', 'HEAD'),
  changedSince: git('status', '--porcelain', '--untracked-files=no').split('\n').filter(Boolean).length,
  packed: new Date().toISOString(),
  architectures: architectures.split(/[; ]/).map((name) => name.replace(/-(real|virtual)$/, '')),
  cuda,
  node: process.version,
  vitest,
  glibc: neededGlibc(),
  sha256,
};
writeText(join(stage, 'MANIFEST'), `${JSON.stringify(manifest, null, 1)}\n`);
