// The two ways to run a loss. A loss is written once, as a generator that yields native jobs and returns its result;
// runSync() runs each job on the spot, runAsync() hands large ones to the engine's own threads. What an asynchronous
// job touches is kept from vanishing meanwhile: what JavaScript can reach is pinned in place, or copied where the caller
// says `copy`.

import { copyOf, type Stored } from './dtype.js';
import { type CallSite, callSite, type Failure, locate, nativeError } from './errors.js';
import { detached, isAborted, keepInPlace, lengthOf, onAbort, typedArrayKind } from './memory.js';
import { type Memory, native } from './native.js';
import type { Job } from './operation.js';
import { allocateOnDevice, deviceOf, memoryOf, replaceMemory, type Tensor } from './tensor.js';

/** A loss: yields jobs, is resumed when each has succeeded, returns the result. */
export type Steps<Result> = Generator<Job, Result, void>;

/**
 * A CPU job of less work than this runs inline even when awaited: its nanoseconds are over before a thread would have
 * woken up (60 to 80 µs there and back).
 */
const inlineWork = Number(process.env.CUTLOSS_INLINE_ELEMENTS ?? 32_768); // 0: nothing, for tests of the queue

/** Jobs of this thread that are on their way. Nothing runs inline past them: it may be about what they write. */
let queued = 0;

function runsInline(job: Job): boolean {
  return queued === 0 && job.device < 0 && job.work < inlineWork;
}

/** `entry` is the public function: errors point at its caller. */
// biome-ignore lint/complexity/noBannedTypes: any function
export function runSync<Result>(steps: Steps<Result>, entry: Function): Result {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      runNow(step.value, steps);
    }
  } catch (error) {
    throw locate(error, callSite(entry));
  }
}

// biome-ignore lint/complexity/noBannedTypes: any function
export function runAsync<Result>(steps: Steps<Result>, entry: Function): Promise<Result> {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return Promise.resolve(step.value);
      if (!runsInline(step.value)) return runQueued(step.value, steps, callSite(entry));
      runNow(step.value, steps);
    }
  } catch (error) {
    return Promise.reject(locate(error, callSite(entry)));
  }
}

async function runQueued<Result>(first: Job, steps: Steps<Result>, site: CallSite): Promise<Result> {
  try {
    for (let job = first; ; ) {
      if (runsInline(job)) runNow(job, steps);
      else await queue(job).catch((error: unknown) => steps.throw(error));
      const step = steps.next();
      if (step.done) return step.value;
      job = step.value;
    }
  } catch (error) {
    throw locate(error, site);
  }
}

/** A failed job is thrown into the loss, which cleans up after itself and lets it pass. */
function runNow(job: Job, steps: Steps<unknown>): void {
  if (isAborted(job.signal)) steps.throw(job.signal?.reason);
  const { operation, device, views, dtypes, parameters, results } = job;
  const failure =
    job.lender === undefined
      ? native().run(operation, device, views, dtypes, parameters, results)
      : job.lender.run(job);
  if (failure !== undefined) steps.throw(nativeError(failure));
}

function queue(job: Job): Promise<void> {
  const { signal } = job;
  if (isAborted(signal)) return Promise.reject(signal?.reason);
  const { staged, finish } = shelter(job);
  return new Promise((resolve, reject) => {
    const { operation, device, views, dtypes, parameters, results } = job;
    // The closure holds the job, and with it every array, until the engine is done with them.
    const done = (failure: Failure | undefined) => {
      queued--;
      try {
        if (failure === undefined) {
          finish();
          resolve();
        } else {
          reject(isAborted(signal) ? signal?.reason : nativeError(failure));
        }
        forget();
      } catch (error) {
        reject(error);
      }
    };
    let started: number | Failure | undefined;
    const forget = onAbort(signal, () => typeof started === 'number' && native().cancel(started));
    started = native().start(operation, device, views, dtypes, parameters, results, done, staged);
    if (typeof started === 'number') {
      queued++;
    } else {
      forget();
      reject(nativeError(started));
    }
  });
}

/**
 * Makes the job safe to run while JavaScript goes on. What JavaScript can reach meanwhile is kept in place: the inputs,
 * unless they are copied, and an output of the caller's. Where the call may be aborted, or `copy` is asked for, such an
 * output is staged: computed elsewhere and put in its place at once when all of it is there, before any later job
 * begins. Nobody can reach fresh outputs before the job is done: they stay free to be transferred.
 */
function shelter(job: Job): { staged: number; finish: () => void } {
  const { views, inputs, borrowed, copy } = job;
  for (let slot = 0; slot < inputs; slot++) {
    const view = views[slot];
    if (!isHost(view)) continue;
    if (copy) views[slot] = copyOf(view);
    else keepInPlace(view);
  }
  let staged = 0;
  const last: (() => void)[] = [];
  for (const { tensor, slot } of borrowed) {
    const view = views[slot];
    const stages = job.signal !== undefined || copy;
    if (isHost(view)) {
      keepInPlace(view);
      if (stages) staged |= 1 << slot;
      last.push(() => checkThere(tensor));
    } else if (stages) {
      last.push(standIn(job, tensor, slot));
    }
  }
  return {
    staged,
    finish: () => {
      for (const each of last) each();
    },
  };
}

/** On a GPU, memory of ours takes the output's place; what is returned hands it over. */
function standIn(job: Job, tensor: Tensor, slot: number): () => void {
  const memory = allocateOnDevice(tensor.dtype, tensor.size, deviceOf(tensor));
  job.views[slot] = memory;
  return () => replaceMemory(tensor, memory);
}

/** The engine has written, but to memory that somebody managed to take away: say so instead of returning nothing. */
function checkThere(tensor: Tensor): void {
  if (tensor.size === 0 || tensor.disposed) return;
  const memory = memoryOf(tensor);
  if (isHost(memory) && lengthOf(memory) === 0) throw detached('the output given as `out`');
}

function isHost(view: Memory | undefined): view is Stored {
  return view !== undefined && typedArrayKind(view) !== undefined;
}
