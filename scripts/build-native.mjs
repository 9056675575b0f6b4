#!/usr/bin/env node
// Builds the native addon with cmake-js: `npm run build:native`. prebuildify calls it in node-gyp's place and passes
// node-gyp's arguments: `rebuild` starts from nothing, so that no setting of a developer's build is left in it; --target and
// --devdir mean something else to cmake-js and are left out.
//
//   --out=FOLDER                          where (build)
//   --CDNAME=VALUE                        a setting for CMake, where nothing is built yet
//   CUTLOSS_CUDA=AUTO|ON|OFF              with the CUDA engine or not
//   CUTLOSS_CUDA_ARCHITECTURES=90a-real   for which GPUs; unless set, those of this machine, and for `rebuild` all
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localArchitectures, nativeSettings, settingsChanged } from './native-settings.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function has(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function fail(sentence) {
  console.error(`cutloss: ${sentence}`);
  process.exit(1);
}

if (!has('cmake')) fail('CMake 3.22 or newer is needed to build the native part (apt-get install cmake)');
if (!has(process.env.CXX ?? 'c++') && !has('g++')) {
  fail('a C++20 compiler is needed to build the native part (apt-get install g++)');
}

const release = process.argv[2] === 'rebuild';
const { cuda, architectures = release ? undefined : localArchitectures() } = nativeSettings();
if (!['AUTO', 'ON', 'OFF'].includes(cuda))
  fail(`Expected AUTO, ON or OFF for CUTLOSS_CUDA but received ${cuda}`);

/** What a release is built from, where that is a commit and nothing else. */
function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const clean = git('status', '--porcelain', '--untracked-files=no');
  return clean.status === 0 && clean.stdout === '' ? git('rev-parse', 'HEAD').stdout.trim() : '';
}

const argument = process.argv.find((value) => value.startsWith('--out='))?.slice(6);
const out = argument ?? 'build';
const cmakeJs = join(
  dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')),
  'bin',
  'cmake-js',
);
const result = spawnSync(
  process.execPath,
  [
    cmakeJs,
    release || settingsChanged(join(root, out)) ? 'rebuild' : 'compile',
    '--directory',
    root,
    '--out',
    join(root, out),
    '--target',
    'cutloss',
    '--parallel',
    String(Math.max(1, Number(process.env.CUTLOSS_JOBS ?? 2))),
    `--CDCUTLOSS_CUDA=${cuda}`,
    ...(architectures ? [`--CDCMAKE_CUDA_ARCHITECTURES=${architectures}`] : []),
    `--CDCUTLOSS_COMMIT=${release ? commit() : ''}`,
    ...process.argv.slice(2).filter((value) => value.startsWith('--CD')),
  ],
  { cwd: root, stdio: 'inherit' },
);
if (result.status !== 0) fail('the native part did not build; the compiler said why above');
