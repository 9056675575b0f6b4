// `npm run prebuild`: the binary that npm users get, for this platform, into prebuilds/. With nvcc it holds the CUDA
// engine for every supported GPU. Fails if it is larger than a package should be. With --check nothing is built, but a
// binary must be there: a package without one would only fail at its users'.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const kMostBytes = 25 * 1024 * 1024;

if (!process.argv.includes('--check')) {
  const result = spawnSync(
    'npx',
    [
      '--no-install',
      'prebuildify',
      '--napi',
      '--strip',
      '--tag-libc',
      '--node-gyp',
      join('scripts', 'build-native.mjs'),
    ],
    { stdio: 'inherit' },
  );
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const folder = join('prebuilds', `${process.platform}-${process.arch}`);
const binaries = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.node')) : [];
if (binaries.length === 0) {
  console.error(`Expected a binary in ${folder}: type npm run prebuild`);
  process.exit(1);
}
for (const name of binaries) {
  const bytes = statSync(join(folder, name)).size;
  console.log(`${join(folder, name)}: ${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > kMostBytes) {
    console.error(`Expected at most ${kMostBytes} bytes: move to one package per platform`);
    process.exit(1);
  }
}
