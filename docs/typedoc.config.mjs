// The documentation as a site (`npm run docs`, into build/docs): the API from the types, the guides from these pages.
import { Converter, ReflectionKind } from 'typedoc';

const guides = {
  Guides: [
    'getting-started',
    'choosing-a-loss',
    'devices-and-memory',
    'options',
    'tfjs',
    'topology-in-pictures',
    'numerics',
    'benchmarks',
    'errors',
    'betti-command',
  ],
  'The losses in depth': ['rows', 'regions', 'topology'],
  'How it is made': [
    'architecture',
    'adding-a-loss',
    'trust',
    'emulated-cuda',
    'rows-gpu',
    'regions-gpu',
    'topology-gpu',
    'gpu-check',
  ],
};
const groups = new Map(
  Object.entries(guides).flatMap(([group, names]) => names.map((name) => [`${name}.md`, group])),
);

const entries = { index: 'cutloss', tfjs: 'cutloss/tfjs' };

/** A guide is called what its first heading says, and listed in its group; a module what it is imported by. */
function name(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    document.frontmatter.group = groups.get(`${document.name}.md`) ?? 'Guides';
    const first = document.content.find(({ kind, text }) => kind === 'text' && /^# /m.test(text));
    document.name = /^# (.*)$/m.exec(first?.text)?.[1] ?? document.name;
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_, declaration) => {
    if (declaration.kindOf(ReflectionKind.Module)) declaration.name = entries[declaration.name];
  });
}

export default {
  name: 'cutloss',
  entryPoints: ['../src/index.ts', '../src/tfjs/index.ts'],
  tsconfig: '../tsconfig.json',
  out: '../build/docs',
  readme: '../README.md',
  plugin: [name],
  projectDocuments: [...groups.keys()],
  groupOrder: [...Object.keys(guides), 'Modules', '*'],
  highlightLanguages: ['ts', 'js', 'json', 'sh', 'cpp', 'cmake'],
  disableSources: true, // links would need a public repository
  treatWarningsAsErrors: true,
  validation: { invalidPath: false }, // a link to a folder is none
  // types behind the exported ones, which read well without a page of their own
  intentionallyNotExported: [
    'dtypes',
    'errorCodes',
    'RuntimeFloat16Array',
    'Differentiable',
    'RegionLoss',
    'RowLossOptions',
    'JaccardOptions',
    'RegionMomentsOptions',
    'TensorInfo',
    'Preparation',
    'Memory',
  ],
};
