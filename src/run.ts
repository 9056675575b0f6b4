// The two ways to run a loss. A loss is written once, as a generator that yields native jobs and returns its result;
// runSync() runs each job on the spot, runAsync() hands large ones to the engine's own threads. What an asynchronous
// job touches is kept from vanishing meanwhile: what JavaScript can reach is pinned in place, or copied where the caller
// says `copy`.

import { copyOf, makeStorage, type Stored } from './dtype.js';
import { type CallSite, callSite, type Failure, locate, nativeError } from './errors.js';
import { copyInto, detached, isAborted, keepInPlace, lengthOf, typedArrayKind } from './memory.js';
import { type Memory, native } from './native.js';
import type { Job } from './operation.js';
import { allocateOnDevice, deviceOf, memoryOf, replaceMemory, type Tensor } from './tensor.js';

/** A loss: yields jobs, is resumed when each has succeeded, returns the result. */
export type Steps<Result> = Generator<Job, Result, void>;

/**
 * A CPU job whose largest array is smaller than this runs inline even when awaited: at about a nanosecond per element
 * it is over before a thread would have woken up (60 to 80 µs there and back).
 */
const inlineElements = 32_768;

function runsInline(job: Job): boolean {
  return job.device < 0 && job.elements < inlineElements;
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
  const failure = native().run(operation, device, views, dtypes, parameters, results);
  if (failure !== undefined) steps.throw(nativeError(failure));
}

function queue(job: Job): Promise<void> {
  const { signal } = job;
  if (isAborted(signal)) return Promise.reject(signal?.reason);
  const finish = shelter(job);
  return new Promise((resolve, reject) => {
    const { operation, device, views, dtypes, parameters, results } = job;
    // The closure holds the job, and with it every array, until the engine is done with them.
    const done = (failure: Failure | undefined) => {
      signal?.removeEventListener('abort', abort);
      if (isAborted(signal)) return reject(signal?.reason);
      if (failure !== undefined) return reject(nativeError(failure));
      try {
        finish();
        resolve();
      } catch (error) {
        reject(error);
      }
    };
    const started = native().start(operation, device, views, dtypes, parameters, results, done);
    if (typeof started !== 'number') return reject(nativeError(started));
    const abort = () => native().cancel(started);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Makes the job safe to run while JavaScript goes on, and returns what is left to do when it has succeeded. What
 * JavaScript can reach meanwhile is kept in place: the inputs, unless they are copied, and an output of the caller's. But
 * where the call may be aborted, or `copy` is asked for, memory of ours stands in for such an output, and nothing is ever
 * half-written to the caller's. Nobody can reach fresh outputs before the job is done: they stay free to be transferred.
 */
function shelter(job: Job): () => void {
  const { views, inputs, borrowed, copy } = job;
  const standsIn = job.signal !== undefined || copy;
  for (let slot = 0; slot < inputs; slot++) {
    const view = views[slot];
    if (!isHost(view)) continue;
    if (copy) views[slot] = copyOf(view);
    else keepInPlace(view);
  }
  const finish = borrowed.map(({ tensor, slot }) => {
    if (standsIn) return standIn(job, tensor, slot);
    const view = views[slot];
    if (isHost(view)) keepInPlace(view);
    return () => checkThere(tensor);
  });
  return () => {
    for (const each of finish) each();
  };
}

/** Puts memory of ours in the output's place; what is returned hands it over. */
function standIn(job: Job, tensor: Tensor, slot: number): () => void {
  const device = deviceOf(tensor);
  if (device >= 0) {
    const staged = allocateOnDevice(tensor.dtype, tensor.size, device);
    job.views[slot] = staged;
    return () => replaceMemory(tensor, staged);
  }
  const staged = makeStorage(tensor.dtype, tensor.size, "the output's stand-in");
  job.views[slot] = staged;
  return () => {
    checkThere(tensor);
    copyInto(memoryOf(tensor) as Stored, staged);
  };
}

/** The engine has written, but to memory that somebody managed to take away: say so instead of returning nothing. */
function checkThere(tensor: Tensor): void {
  if (tensor.size === 0) return;
  const memory = memoryOf(tensor);
  if (isHost(memory) && lengthOf(memory) === 0) throw detached('the output given as `out`');
}

function isHost(view: Memory | undefined): view is Stored {
  return view !== undefined && typedArrayKind(view) !== undefined;
}
