// Work for the children: inputs, a reference for plain cross-entropy, and jobs of a known duration.

import { crossEntropySync } from 'cutloss';
import { problem } from './inputs.mjs';

export { must } from './must.mjs';
export { problem };

/** The mean cross-entropy in float64. */
export function expectedLoss({ logits: { data }, targets: { data: ids } }) {
  const classes = data.length / ids.length;
  let total = 0;
  for (let i = 0; i < ids.length; i++) {
    let sum = 0;
    for (let j = 0; j < classes; j++) sum += Math.exp(data[i * classes + j]);
    total += Math.log(sum) - data[i * classes + ids[i]];
  }
  return total / ids.length;
}

export const isClose = (a, b) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));

/** Options that cost much arithmetic for each element, so that a long job needs little memory. */
export const heavy = { softcap: 30, temperature: 1.1, labelSmoothing: 0.1, outputs: ['entropy', 'argmax'] };

/** Inputs whose job with the options `heavy` takes about so many milliseconds here and now. */
export function lasting(milliseconds, most = 2 ** 27) {
  const classes = 4096;
  const trial = problem(512, classes);
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const started = performance.now();
    crossEntropySync(trial, heavy);
    best = Math.min(best, performance.now() - started);
  }
  const rows = Math.min(Math.ceil((512 * milliseconds) / best), Math.floor(most / classes));
  return problem(rows, classes);
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
