// `npm run prebuild`: the binary that npm users get, for this platform, into prebuilds/. With nvcc it holds the CUDA
// engine for every supported GPU. Fails if it is larger than a package should be. With --check nothing is built, but a
// binary must be there: a package without one would only fail at its users'. With --release one of every platform must be.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const kMostBytes = 25 * 1024 * 1024;
const released = ['linux-x64 glibc', 'linux-x64 musl', 'linux-arm64 glibc', 'darwin-arm64'];

if (!process.argv.includes('--check')) {
  const options = ['--napi', '--strip', '--tag-libc', '--node-gyp', join('scripts', 'build-native.mjs')];
  const result = spawnSync('npx', ['--no-install', 'prebuildify', ...options], { stdio: 'inherit' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

let wrong = false;
const complain = (sentence) => {
  console.error(sentence);
  wrong = true;
};
const wanted = process.argv.includes('--release') ? released : [`${process.platform}-${process.arch}`];
for (const platform of wanted) {
  const [name, libc = ''] = platform.split(' ');
  const folder = join('prebuilds', name);
  const binaries = (existsSync(folder) ? readdirSync(folder) : []).filter(
    (file) => file.endsWith('.node') && file.includes(libc),
  );
  if (binaries.length === 0)
    complain(`Expected a binary for ${platform} in ${folder}: type npm run prebuild there`);
  for (const file of binaries) {
    const bytes = statSync(join(folder, file)).size;
    console.log(`${join(folder, file)}: ${(bytes / 1e6).toFixed(2)} MB`);
    if (bytes > kMostBytes)
      complain(`Expected at most ${kMostBytes} bytes: move to one package per platform`);
  }
}
process.exit(wrong ? 1 : 0);
