// Writes dist/: src/ compiled to CommonJS in dist/cjs, and per entry of the package an ES module, dist/index.js for one,
// which re-exports its names, so that `import` and `require` share one instance of everything. The page of
// `cutloss betti --html` becomes one file.

import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

// Built aside and moved into place at the end, so that whoever uses dist/ meanwhile keeps a whole one.
const made = join(root, 'build', 'dist');
rmSync(made, { recursive: true, force: true });
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
function compile(project, folder) {
  const command = [tsc, '-p', join(root, project), '--noEmit', 'false', '--outDir', folder];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1); // tsc has said why
}
compile('tsconfig.build.json', join(made, 'cjs'));

writeFileSync(join(made, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
const entries = { index: './cjs/index.js', tfjs: './cjs/tfjs/index.js' };
for (const [entry, file] of Object.entries(entries)) {
  const names = Object.keys(require(join(made, file))).sort();
  const header = `// Made by scripts/build-dist.mjs: the names of ${file}, for import.\n`;
  writeFileSync(join(made, `${entry}.js`), `${header}export { ${names.join(', ')} } from '${file}';\n`);
  writeFileSync(join(made, `${entry}.d.ts`), `export * from '${file}';\n`);
}

const scripts = join(root, 'build', 'cli', 'page');
compile('src/cli/page', join(scripts, '..'));
const page = join(root, 'src', 'cli', 'page');
const whole = readFileSync(join(page, 'index.html'), 'utf8')
  .replace(
    /<link rel="stylesheet" href="(.*)">/g,
    (_, name) => `<style>\n${readFileSync(join(page, name), 'utf8')}</style>`,
  )
  .replace(
    /<script src="(.*)"><\/script>/g,
    (_, name) => `<script>\n${readFileSync(join(scripts, name), 'utf8')}</script>`,
  );
writeFileSync(join(made, 'cjs', 'cli', 'page.html'), whole);
chmodSync(join(made, 'cjs', 'cli', 'main.js'), 0o755); // npm sees to it where the package is installed, not in a checkout

const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);
