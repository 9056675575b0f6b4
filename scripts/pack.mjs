// `npm run pack`: what npm users get, staged in build/package (or a folder given) and ready for `npm publish build/package`. Its package.json
// has no scripts, so that nothing runs on the machine of whoever installs it, and no development dependencies; beside it
// lies sbom.json (CycloneDX): everything that is inside the tarball or comes with it.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const out = process.argv[2] ?? join('build', 'package');
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
const [{ files }] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--dry-run', '--ignore-scripts'], { env, encoding: 'utf8' }),
);

rmSync(out, { recursive: true, force: true });
for (const { path } of files) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(path, join(out, path));
}

const { scripts, devDependencies, 'cmake-js': cmakeJs, ...manifest } = read('package.json');
manifest.files = [...manifest.files, 'sbom.json'];
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
if (server && repository) manifest.repository = { type: 'git', url: `git+${server}/${repository}.git` }; // for provenance
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

const installed = (name) => read(join('node_modules', name, 'package.json'));
const npmPart = (name, scope) => {
  const { version, license } = installed(name);
  const purl = `pkg:npm/${name}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    scope,
    licenses: [{ license: { id: license } }],
  };
};
const linked = (name, license) => ({
  type: 'library',
  'bom-ref': name,
  name,
  scope: 'required',
  licenses: [{ license }],
});
const own = `pkg:npm/${manifest.name}@${manifest.version}`;
const parts = [
  ...Object.keys(manifest.dependencies).map((name) => npmPart(name, 'required')),
  npmPart('node-addon-api', 'required'), // compiled into the binary
  linked('libstdc++', { id: 'GPL-3.0-with-GCC-exception' }),
  linked('NVIDIA CUDA Runtime', { name: 'NVIDIA CUDA Toolkit EULA' }),
];
const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: {
    component: { type: 'library', 'bom-ref': own, name: manifest.name, version: manifest.version, purl: own },
  },
  components: parts,
  dependencies: [{ ref: own, dependsOn: parts.map((part) => part['bom-ref']) }],
};
writeFileSync(join(out, 'sbom.json'), `${JSON.stringify(bom, null, 2)}\n`);
console.log(out);
