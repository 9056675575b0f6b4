// What users get: the tarball is packed, installed into an empty folder without a network, and used from there through
// import and require. In a checkout without prebuilds/ the binary of the last build takes their place.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';
import { root, runChild, runClean } from '../support/child.js';
import { codeBlocks } from '../support/pages.js';

const megabyte = 1e6;
let folder: string;
let installed: string; // node_modules/cutloss in the empty folder
let packed: { files: { path: string }[]; size: number; filename: string };

// No npm_* of the npm that runs the tests: the packing must not depend on how they were started.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|VITEST)/i.test(name)),
);
/** How many architectures the last build compiled kernels for. */
function architectures(): number {
  const cache = readFileSync(join(root, 'build/CMakeCache.txt'), 'utf8');
  const list = /^CMAKE_CUDA_ARCHITECTURES:\w+=(.*)$/m.exec(cache)?.[1] ?? '';
  return list.split(';').filter(Boolean).length;
}
const npm = (args: readonly string[], cwd: string): string =>
  execFileSync('npm', [...args, '--ignore-scripts', '--loglevel=error'], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const pack = (from: string, ...args: string[]) => JSON.parse(npm(['pack', '--json', ...args], from))[0];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cutloss-package-'));
  const stage = join(folder, 'stage');
  execFileSync(process.execPath, ['scripts/pack.mjs', stage], { cwd: root });
  if (!existsSync(join(stage, 'prebuilds'))) {
    const place = join(stage, 'prebuilds', `${process.platform}-${process.arch}`);
    mkdirSync(place, { recursive: true });
    cpSync(join(root, 'build/Release/cutloss.node'), join(place, 'cutloss.node'));
  }
  packed = pack(stage, '--pack-destination', folder);
  const helper = pack(join(root, 'node_modules/node-gyp-build'), '--pack-destination', folder);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }');
  npm(
    ['install', '--offline', '--no-audit', '--no-fund', `../${packed.filename}`, `../${helper.filename}`],
    home,
  );
  installed = join(home, 'node_modules/cutloss');
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  test('holds what runs and what is read, and no sources, tests or build files', () => {
    const strangers = packed.files
      .map(({ path }) => path)
      .filter(
        (path) =>
          !/^(package\.json|sbom\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.*\.(js|d\.ts|json)|dist\/cjs\/cli\/page\.html|prebuilds\/[\w+-]+\/[\w.+-]+\.node)$/.test(
            path,
          ),
      );
    expect(strangers).toEqual([]);
    for (const path of [
      'README.md',
      'LICENSE',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cjs/index.js',
      'dist/cjs/package.json',
      'dist/cjs/cli/page.html',
    ]) {
      expect(packed.files.map((file) => file.path)).toContain(path);
    }
  });

  test('is at most 3 MB, and 2 MB more for each GPU architecture that this build has', () =>
    expect(packed.size).toBeLessThanOrEqual((3 + 2 * architectures()) * megabyte));

  test('runs nothing on the machine of whoever installs it', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const { dependencies } = manifest;
    for (const name of ['scripts', 'devDependencies', 'gypfile']) expect(manifest).not.toHaveProperty(name);
    expect(Object.keys(dependencies)).toEqual(['node-gyp-build']);
    expect(existsSync(join(installed, 'binding.gyp'))).toBe(false);
  });
});

test('the tarball lists what is inside it and what comes with it', () => {
  const { bomFormat, components } = JSON.parse(readFileSync(join(installed, 'sbom.json'), 'utf8'));
  expect(bomFormat).toBe('CycloneDX');
  expect(components.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['node-gyp-build', 'node-addon-api', 'libstdc++']),
  );
});

describe('installed in an empty folder it computes', () => {
  const check = `
    const logits = tensor([[2, 0, 0], [0, 0, 0]]);
    const targets = tensor(Int32Array.of(0, 2), [2]);
    const expected = (Math.log(1 + 2 * Math.exp(-2)) + Math.log(3)) / 2;
    const test = ({ loss, grads }) => {
      if (Math.abs(loss - expected) > 1e-6) throw new Error(loss + ' instead of ' + expected);
      if (Math.abs(grads.logits.dataSync()[3] - 1 / 6) > 1e-6) throw new Error('wrong gradient');
    };
    test(crossEntropySync({ logits, targets }, { grads: true }));
    crossEntropy({ logits, targets }, { grads: true }).then(test);`;
  const run = (name: string, source: string): Promise<unknown> => {
    const file = join(installed, '../..', name);
    writeFileSync(file, source);
    return runClean(file);
  };

  test('by import', () =>
    run('use.mjs', `import { crossEntropy, crossEntropySync, tensor } from 'cutloss';${check}`));
  test('by require', () =>
    run('use.cjs', `const { crossEntropy, crossEntropySync, tensor } = require('cutloss');${check}`));
  test('by its command', () => {
    const output = execFileSync(join(installed, '../.bin/cutloss'), ['doctor'], { encoding: 'utf8' });
    expect(output).toMatch(/, computes\n/);
    expect(output).toContain(join(installed, 'prebuilds'));
  });
  test('with its own binary, not that of this checkout', () =>
    run(
      'where.cjs',
      `
      require('cutloss').devices();
      const list = process.report.getReport().sharedObjects.filter((name) => name.endsWith('.node'));
      if (list.length !== 1 || !list[0].includes('${installed}/')) throw new Error('loaded ' + list);`,
    ));
});

describe("beside tfjs it trains as the README's example does", () => {
  const tfjs = tfjsNodeFolder();
  const example =
    codeBlocks('README.md').find(({ code }) => code.includes("from 'cutloss/tfjs'"))?.code ?? '';
  const check = 'if (!(history.loss.at(-1) < 0.9 * history.loss[0])) throw new Error(String(history.loss));';
  const train = async (name: string, source: string): Promise<void> => {
    const scope = join(installed, '../@tensorflow');
    rmSync(scope, { force: true });
    const from = name === 'tensorflow' ? (tfjs as string) : root;
    symlinkSync(join(from, 'node_modules/@tensorflow'), scope);
    const file = join(installed, '../..', `train-${name}.mjs`);
    writeFileSync(file, `${source}\n${check}\n`);
    const { code, stderr } = await runChild(file);
    expect(code, stderr).toBe(0);
  };

  test('cpu', () => train('cpu', example));
  test('wasm', () => {
    const start = "await tf.setBackend('wasm');\nconst losses";
    return train(
      'wasm',
      `import '@tensorflow/tfjs-backend-wasm';\n${example.replace('const losses', start)}`,
    );
  });
  test.skipIf(tfjs === undefined)('tensorflow (needs scripts/setup-tfjs-node.sh)', () =>
    train('tensorflow', example.replace("'@tensorflow/tfjs'", "'@tensorflow/tfjs-node'")),
  );
});

describe.runIf(process.platform === 'linux')('the binary', () => {
  const binary = join(root, 'build/Release/cutloss.node');
  const dynamic = (): string =>
    execFileSync('readelf', ['--dynamic', '--wide', binary], { encoding: 'utf8' });

  test('needs libc and its loader only', () => {
    const needed = [...dynamic().matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1] as string);
    expect(
      needed.filter(
        (name) =>
          !/^(libc|libm|libdl|libpthread|librt|ld-linux[\w-]*|ld-musl[\w-]*|libc\.musl[\w-]*)\.so(\.\d+)?$/.test(
            name,
          ),
      ),
    ).toEqual([]);
  });

  test('stays mapped, binds at load and has no search path of its own', () => {
    const text = dynamic();
    expect(text).toMatch(/NODELETE/);
    expect(text).toMatch(/BIND_NOW|\bNOW\b/);
    expect(text).not.toMatch(/\((RUNPATH|RPATH)\)/);
  });

  test('is hardened, and exports what Node looks for alone', () => {
    const headers = execFileSync('readelf', ['--program-headers', '--wide', binary], { encoding: 'utf8' });
    expect(headers).toMatch(/GNU_RELRO/);
    expect(headers).toMatch(/GNU_STACK.* RW /);
    const symbols = execFileSync('readelf', ['--dyn-syms', '--wide', binary], { encoding: 'utf8' });
    expect(symbols).toMatch(/UND __stack_chk_fail/);
    expect(symbols).toMatch(/UND __\w+_chk@/);
    const exported = [...symbols.matchAll(/(?:GLOBAL|WEAK)\s+DEFAULT\s+\d+ ([\w@.]+)/g)].map(
      (match) => match[1],
    );
    expect(exported.sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  test('loads in at most 10 ms', async () => {
    const script = join(folder, 'load.cjs');
    writeFileSync(
      script,
      `const t = performance.now(); require(${JSON.stringify(binary)}); console.log(performance.now() - t);`,
    );
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(Number((await runClean(script)).stdout));
    expect(Math.min(...times)).toBeLessThanOrEqual(10);
    expect(statSync(binary).size).toBeLessThan(25 * megabyte);
  });
});
