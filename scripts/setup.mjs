// Makes a checkout ready, doing only what is missing: `npm install` ends with it (prepare), and `npm start`, `npm test`,
// `npm run check` and `npm run bench` begin with it, so each works as the very first command after a clone. With
// --no-native the binary is left to `npm run prebuild`, which makes its own.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsChanged } from './native-settings.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const path = (...parts) => join(root, ...parts);

function run(what, command, ...args) {
  console.error(`cutloss: ${what}`);
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The time of the newest file below the given folders and files. */
function newest(...names) {
  let latest = 0;
  for (const name of names) {
    const stat = statSync(path(name));
    if (!stat.isDirectory()) latest = Math.max(latest, stat.mtimeMs);
    else for (const entry of readdirSync(path(name))) latest = Math.max(latest, newest(join(name, entry)));
  }
  return latest;
}

function stale(product, ...sources) {
  return !existsSync(path(product)) || newest(...sources) > statSync(path(product)).mtimeMs;
}

/** A prebuilt binary made after the last change of the sources. */
function freshPrebuild() {
  const folder = join('prebuilds', `${process.platform}-${process.arch}`);
  const names = existsSync(path(folder))
    ? readdirSync(path(folder)).filter((name) => name.endsWith('.node'))
    : [];
  return names.some((name) => !stale(join(folder, name), ...nativeSources));
}

const nativeSources = ['CMakeLists.txt', 'binding', 'cpu', 'cuda', 'engine', 'math'];
const installing = process.env.npm_lifecycle_event === 'prepare';
if (!installing && stale('node_modules/.package-lock.json', 'package-lock.json')) {
  run('installing the development dependencies', 'npm', 'ci', '--ignore-scripts');
}
const built = !stale('build/Release/cutloss.node', ...nativeSources) || freshPrebuild();
if (!process.argv.includes('--no-native') && (!built || settingsChanged(path('build')))) {
  run('building the native part (a minute or two)', process.execPath, 'scripts/build-native.mjs');
}
if (stale('dist/index.js', 'src', 'tsconfig.build.json', 'scripts/build-dist.mjs')) {
  run('compiling TypeScript', process.execPath, 'scripts/build-dist.mjs');
}
