// node --import .../typescript.mjs file.ts: runs TypeScript in a child process on Node 20, which cannot by itself. Types
// are stripped by the compiler the project has anyway; nothing is checked here.

import { register } from 'node:module';

register(new URL('./typescript-hooks.mjs', import.meta.url));
