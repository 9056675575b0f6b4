// A field as files hold one: values of a 2-D or 3-D grid. What is wrong with a file is said in one sentence.

/** Values in row-major order; [height, width] or [depth, height, width]. */
export interface Field {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A file that is not what it should be. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

export function unexpected(what: string, found: string): FileError {
  return new FileError(`Expected ${what} but received ${found}`);
}
