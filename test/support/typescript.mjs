// node --import .../typescript.mjs file.ts: runs TypeScript in a child process on Node 20, which cannot by itself. Types
// are stripped by the compiler the project has anyway; nothing is checked here.

import module from 'node:module';
import * as hooks from './typescript-hooks.mjs';

// Node 20 has but the older way, of which Node 26 warns.
if (module.registerHooks) module.registerHooks(hooks);
else module.register(new URL('./typescript-hooks.mjs', import.meta.url));
