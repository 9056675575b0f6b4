// A worker without the package that stays until it is ended: the control of busy-worker.mjs.

import { parentPort } from 'node:worker_threads';

setInterval(() => {}, 1000);
parentPort.postMessage('busy');
