// Whether two builds of the same sources are the same bytes: in two folders, with other names, numbers of jobs, time zone
// and language, and without a compiler cache. CUTLOSS_CUDA as for npm run build:native, but OFF unless it is set.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const work = mkdtempSync(join(tmpdir(), 'cutloss-twice-'));
const tracked = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
const files = execFileSync('git', tracked, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(CMAKE_\w+_LAUNCHER|npm_)/i.test(name)),
);

function build(folder, env) {
  const copy = join(work, folder);
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const built = spawnSync(process.execPath, ['scripts/build-native.mjs'], {
    cwd: copy,
    env: { ...inherited, CUTLOSS_CUDA: process.env.CUTLOSS_CUDA ?? 'OFF', CCACHE_DISABLE: '1', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error(`${folder} did not build`);
  const binary = join(copy, 'build/Release/cutloss.node');
  execFileSync('strip', ['--strip-all', binary]); // as prebuildify does
  return binary;
}

try {
  const first = build('a', { CUTLOSS_JOBS: '2', TZ: 'UTC', LC_ALL: 'C' });
  const second = build('another/folder of a longer name', { CUTLOSS_JOBS: '3', TZ: 'Asia/Tokyo' });
  const digests = [first, second].map((file) =>
    createHash('sha256').update(readFileSync(file)).digest('hex'),
  );
  console.log(digests.join('\n'));
  const places = [first, second].map((file) => readFileSync(file).includes(work));
  if (digests[0] !== digests[1] || places.includes(true)) {
    console.error('Expected the same bytes, and no name of a folder in them');
    process.exitCode = 1;
  }
} finally {
  if (!process.argv.includes('--keep')) rmSync(work, { recursive: true, force: true });
}
