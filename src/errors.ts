// Every failure is a CutlossError with a stable code. The codes stand here once, in the order of Code in
// engine/status.h; docs/errors.md says of each when it comes and what to do.

/** Every code, in the order of the native codes, which count from 1. */
export const errorCodes = [
  'ERR_CUTLOSS_SHAPE',
  'ERR_CUTLOSS_DTYPE',
  'ERR_CUTLOSS_OPTION',
  'ERR_CUTLOSS_TARGET',
  'ERR_CUTLOSS_DETACHED',
  'ERR_CUTLOSS_DISPOSED',
  'ERR_CUTLOSS_DEVICE',
  'ERR_CUTLOSS_MEMORY',
  'ERR_CUTLOSS_CUDA',
  'ERR_CUTLOSS_LOAD',
  'ERR_CUTLOSS_INTERNAL',
] as const;

/** What went wrong, for programs: stable from release to release. See docs/errors.md. */
export type ErrorCode = (typeof errorCodes)[number];

/**
 * Every failure of cutloss. `code` is for programs, `message` for people:
 * "Expected targets in [0, 32000) for row 17 but received 40211".
 *
 * @example
 * try {
 *   crossEntropySync({ logits, targets });
 * } catch (error) {
 *   if (error instanceof CutlossError && error.code === 'ERR_CUTLOSS_TARGET') console.log(error.details);
 * }
 */
export class CutlossError extends Error {
  readonly code: ErrorCode;
  /** What a program may want to know besides: { row, value } of a bad target, the nearest option, … */
  declare readonly details?: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details?: Record<string, unknown>,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    if (details !== undefined) this.details = Object.freeze(details);
  }
}
Object.defineProperty(CutlossError.prototype, 'name', {
  value: 'CutlossError',
  configurable: true,
  writable: true,
});

/** What the binding answers instead of throwing. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly row?: number;
  readonly value?: number;
}

/** The error for a native failure. */
export function nativeError(failure: Failure): CutlossError {
  const code = errorCodes[failure.code - 1] ?? 'ERR_CUTLOSS_INTERNAL';
  const { row, value } = failure;
  return new CutlossError(code, failure.message, row === undefined || row < 0 ? undefined : { row, value });
}

/** Where a public function was called, for errors that surface deep inside or after that stack is gone. */
export interface CallSite {
  readonly stack?: unknown;
}

/** The stack of whoever called `entry`. */
// biome-ignore lint/complexity/noBannedTypes: captureStackTrace takes any function
export function callSite(entry: Function): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, entry);
  return site;
}

const located = new WeakSet<CutlossError>();

/** Lets an error of ours point at the call that led to it; once, so that a call within a call keeps its own place. */
export function locate(error: unknown, { stack }: CallSite): unknown {
  if (!(error instanceof CutlossError) || located.has(error) || typeof stack !== 'string') return error;
  located.add(error);
  const frames = stack.indexOf('\n');
  const value = `CutlossError: ${error.message}${frames < 0 ? '' : stack.slice(frames)}`;
  return Object.defineProperty(error, 'stack', { value, configurable: true, writable: true });
}
