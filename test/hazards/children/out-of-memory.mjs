// The address space is limited so that a gradient cannot be allocated: a typed error says what was asked for, and the
// next call that fits is right. (The inputs are there already; the limit leaves room for small things.)

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { crossEntropy, crossEntropySync, zeros } from 'cutloss';
import { expectedLoss, isClose, must, problem } from './work.mjs';

const small = problem(16, 32);
const expected = expectedLoss(small);
await crossEntropy(problem(300, 1000), { grads: true }); // the engine's threads are there before the limit

for (const shape of [[2 ** 40], [2 ** 31, 2 ** 20], [2 ** 33]]) {
  try {
    zeros(shape);
    must(false, `zeros([${shape}]) was possible`);
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_MEMORY', `zeros: ${error.stack}`);
  }
}

const big = problem(3 * 2 ** 14, 4096); // 768 MiB
const used = Number(readFileSync('/proc/self/status', 'utf8').match(/VmSize:\s+(\d+) kB/)[1]) * 1024;
execFileSync('prlimit', ['--pid', `${process.pid}`, `--as=${used + 256 * 2 ** 20}`]);

for (const call of [crossEntropySync, crossEntropy]) {
  try {
    await call(big, { grads: true });
    must(false, 'the gradient was possible: the limit does not work');
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_MEMORY', `${error.stack}`);
    must(
      error.message.length > 20 && /\d/.test(error.message),
      `the message says how much: ${error.message}`,
    );
  }
  must(isClose((await call(small, { grads: true })).loss, expected), 'a small call still works');
  must(Number.isFinite((await call(big)).loss), 'and the big loss without its gradient');
}
