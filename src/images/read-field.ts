// A field from a file, whichever of the formats it is in: the first bytes say so, not its name.

import { readFileSync, statSync } from 'node:fs';
import { type Field, FileError, unexpected } from './field.js';
import { decodeNpy, isNpy } from './npy.js';
import { decodePng, isPng } from './png.js';

/** The endings that files of a folder have to be read. */
export const fieldEndings: RegExp = /\.(png|npy)$/i;

export function readField(path: string): Field {
  try {
    const file = readWhole(path);
    if (isPng(file)) return decodePng(file);
    if (isNpy(file)) return decodeNpy(file);
    throw unexpected('a PNG or NPY file', file.length === 0 ? 'an empty one' : 'something else');
  } catch (error) {
    if (error instanceof FileError) throw new FileError(`${path}: ${error.message}`);
    throw error;
  }
}

function readWhole(path: string): Uint8Array {
  try {
    // A pipe or a device has no size that would bound what is read.
    if (statSync(path).isFile()) return readFileSync(path);
  } catch (error) {
    throw fileError(error);
  }
  throw unexpected('a file', 'something else');
}

/** What the file system says, in words. */
export function fileError(error: unknown): FileError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
  };
  return new FileError(reasons[code ?? ''] ?? message);
}
