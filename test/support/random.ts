// Numbers that look random and are the same on every machine: a case names its seed, so a failure can be repeated.
// mulberry32 is enough for test data; nothing here is for cryptography.

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and deviation 1. */
  normal(): number;
  /** An integer in [0, end). */
  below(end: number): number;
  /** One of the given values. */
  pick<T>(values: readonly T[]): T;
}

export function random(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const below = (end: number): number => Math.floor(uniform() * end);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  return { uniform, normal, below, pick };
}
