// An operation of the engines as TypeScript sees it: its fields by name. The names are bound to the addon's order once,
// so that a field which one side does not know is an error at the first use and never a silent zero.

import { storage } from './dtype.js';
import { CutlossError } from './errors.js';
import type { Lender } from './lent-memory.js';
import { type Memory, native, type OperationInfo } from './native.js';
import { isTensor, memoryOf, type Tensor } from './tensor.js';
import type { View } from './view.js';

/** Sums in double, which engines read and write beside tensors. */
export interface Sums {
  readonly memory: Float64Array;
  readonly dtype: 'float64';
  readonly size: number;
}

/** What an operation reads or writes. */
export type Operand = View | Tensor | Sums;

/** Where and how a loss runs. */
export interface Place {
  /** The engine's device: -1 for the CPU. */
  readonly device: number;
  /** Aborts the job where it runs asynchronously. */
  readonly signal: AbortSignal | undefined;
  /** Asynchronous work is done on copies of the caller's inputs. */
  readonly copy: boolean;
  /** Runs the job, where the inputs are in memory that is lent. */
  readonly lender: Lender | undefined;
}

/** One run of one operation, ready for the binding. */
export interface Job extends Place {
  readonly operation: number;
  /** Inputs, then outputs. */
  readonly views: (Memory | undefined)[];
  readonly dtypes: Uint8Array;
  readonly parameters: Float64Array;
  readonly results: Float64Array;
  /** How many of `views` are inputs. */
  readonly inputs: number;
  /** About how many nanoseconds this takes. */
  readonly work: number;
  /** Outputs in memory the caller owns, and their places in `views`. */
  readonly borrowed: readonly { readonly tensor: Tensor; readonly slot: number }[];
}

interface Slots {
  /** The operation's place in native().operations. */
  readonly number: number;
  readonly views: readonly number[];
  readonly parameters: readonly number[];
  readonly results: Readonly<Record<string, number>>;
  readonly info: OperationInfo;
  // Reused by every job of the operation: the binding reads both before run() or start() returns.
  readonly dtypes: Uint8Array;
  readonly scratch: Float64Array;
}

export class Operation<Name extends string, Parameter extends string, Result extends string> {
  readonly #name: string;
  readonly #views: readonly Name[];
  readonly #parameters: readonly Parameter[];
  readonly #results: readonly Result[];
  readonly #cost: number;
  #slots: Slots | undefined;
  /** Every operand by name, not given. */
  readonly noOperands: Readonly<Record<Name, undefined>>;

  /** The operation's name in engine/, the names of its fields that are used, and its nanoseconds per element. */
  constructor(
    name: string,
    fields: { views: readonly Name[]; parameters: readonly Parameter[]; results: readonly Result[] },
    cost = 1,
  ) {
    this.#name = name;
    this.#views = fields.views;
    this.noOperands = Object.fromEntries(fields.views.map((name) => [name, undefined])) as Record<
      Name,
      undefined
    >;
    this.#parameters = fields.parameters;
    this.#results = fields.results;
    this.#cost = cost;
  }

  /**
   * `borrowed` names the outputs that are the caller's tensors. `work` is how many nanoseconds this takes, where that is
   * more than the operands tell.
   */
  job(
    place: Place,
    operands: Readonly<Partial<Record<Name, Operand | undefined>>>,
    parameters: Readonly<Record<Parameter, number>>,
    borrowed: readonly Name[] = [],
    work = 0,
  ): Job {
    this.#slots ??= this.#bind();
    const slots = this.#slots;
    const inputs = slots.info.inputs.length;
    const views: (Memory | undefined)[] = new Array(inputs + slots.info.outputs.length).fill(undefined);
    let elements = 0;
    for (let i = 0; i < this.#views.length; i++) {
      const operand = operands[this.#views[i] as Name];
      if (operand === undefined) continue;
      const slot = slots.views[i] as number;
      views[slot] = isTensor(operand) ? memoryOf(operand) : operand.memory;
      slots.dtypes[slot] = storage(operand.dtype).index;
      if (operand.size > elements) elements = operand.size;
    }
    for (let i = 0; i < this.#parameters.length; i++) {
      slots.scratch[slots.parameters[i] as number] = parameters[this.#parameters[i] as Parameter];
    }
    return {
      device: place.device,
      signal: place.signal,
      copy: place.copy,
      lender: place.lender,
      operation: slots.number,
      views,
      dtypes: slots.dtypes,
      parameters: slots.scratch,
      results: new Float64Array(slots.info.results.length),
      inputs,
      work: Math.max(work, elements * this.#cost),
      borrowed: borrowed.map((name) => ({
        tensor: operands[name] as Tensor,
        slot: slots.views[this.#views.indexOf(name)] as number,
      })),
    };
  }

  /** A result of a job that has run. */
  result(job: Job, name: Result): number {
    return job.results[this.#slots?.results[name] as number] as number;
  }

  #bind(): Slots {
    const number = native().operations.findIndex(({ name }) => name === this.#name);
    const info = native().operations[number];
    if (info === undefined) throw mismatch(`operation ${this.#name}`);
    const place = (names: readonly string[], name: string): number => {
      const at = names.indexOf(name);
      if (at < 0) throw mismatch(name);
      return at;
    };
    const all = [...info.inputs, ...info.outputs];
    return {
      number,
      info,
      views: this.#views.map((name) => place(all, name)),
      parameters: this.#parameters.map((name) => place(info.parameters, name)),
      results: Object.fromEntries(this.#results.map((name) => [name, place(info.results, name)])),
      dtypes: new Uint8Array(all.length),
      scratch: new Float64Array(info.parameters.length),
    };
  }
}

function mismatch(field: string): CutlossError {
  return new CutlossError(
    'ERR_CUTLOSS_INTERNAL',
    `Expected the native binary to know '${field}': it was built from other sources than the JavaScript beside it`,
    { field },
  );
}
