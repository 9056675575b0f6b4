// Memory of another runtime in this process, TensorFlow's for one, which JavaScript cannot see. A loss takes a tensor over
// it like any other, and makes its outputs there; the jobs are run by the runtime, which hands them to the engines.

import type { Stored } from './dtype.js';
import type { Failure } from './errors.js';
import type { Job } from './operation.js';

/** A runtime that lends its memory. */
export interface Lender {
  /** Runs a job among whose views are memories of this lender, and makes those that are outputs. */
  run(job: Job): Failure | undefined;
  /** A copy of the elements. */
  read(memory: LentMemory): Stored;
}

export class LentMemory {
  readonly shape: readonly number[];
  /** Whose it is; an output has no owner before the job that makes it. */
  lender: Lender | undefined;
  /** What the lender calls it. */
  handle: object | undefined;

  constructor(shape: readonly number[], lender?: Lender, handle?: object) {
    this.shape = shape;
    this.lender = lender;
    this.handle = handle;
  }
}
