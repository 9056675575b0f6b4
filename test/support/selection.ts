// Which runs of a table of cases a backend makes. A run is a case in one dtype and one mode (what is asked for, a layout).
// The best level of the CPU and a GPU make all of them, and so does every backend with CUTLOSS_TEST_FULL=1. The others
// share the formulas with these and differ in kernels; they make a part, in which
//
//   every case runs,
//   every dtype meets every mode, and
//   every value of every option, and of whatever else a case says but its sizes, meets every dtype and every mode.
//
// The part depends on the table alone. A suite calls runsOf() once and describes what it returns:
//
//   describe.each(runsOf(cases, floatDTypes, Object.keys(modes)))('$item.name, $dtype', ({ item, dtype, modes }) => {
//     beforeAll(...)              the reference, once for all modes
//     test.each(modes)(...)
//   });

import { backend } from './backends.js';

/** A case in one dtype, whose reference all its modes share. */
export interface Runs<Case, DType, Mode> {
  readonly item: Case;
  readonly dtype: DType;
  readonly modes: readonly Mode[];
}

interface Named {
  readonly name: string;
}

/** Properties of a case that name it or give it a size: each value of them stands for its case alone. */
const sizes: readonly string[] = ['name', 'seed', 'shape', 'classes'];

function featuresOf(item: object): string[] {
  const named = (entries: [string, unknown][]): string[] =>
    entries.map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return Object.entries(item).flatMap(([key, value]) => {
    if (sizes.includes(key)) return [];
    return named(key === 'options' ? Object.entries(value) : [[key, value]]);
  });
}

interface Run<Case, DType, Mode> {
  readonly item: Case;
  readonly dtype: DType;
  readonly mode: Mode;
  readonly combination: string;
  readonly meets: readonly string[];
}

function everyRun<Case extends Named, DType extends string, Mode extends string>(
  cases: readonly Case[],
  dtypes: readonly DType[],
  modes: readonly Mode[],
): Run<Case, DType, Mode>[] {
  return cases.flatMap((item) => {
    const features = featuresOf(item);
    return dtypes.flatMap((dtype) =>
      modes.map((mode) => {
        const combination = `${dtype} with ${mode}`;
        const pairs = features.flatMap((feature) => [`${feature} in ${dtype}`, `${feature} with ${mode}`]);
        return { item, dtype, mode, combination, meets: [`the case ${item.name}`, combination, ...pairs] };
      }),
    );
  });
}

/** Greedily: next is the run that meets most of what none has met; among equals, the combination that ran least. */
function coveringRuns<R extends Run<unknown, unknown, unknown>>(runs: readonly R[]): Set<R> {
  const met = new Set<string>();
  const times = new Map<string, number>();
  const chosen = new Set<R>();
  for (;;) {
    let best: R | undefined;
    let [most, fewest] = [0, 0];
    for (const run of runs) {
      const gain = run.meets.filter((name) => !met.has(name)).length;
      const ran = times.get(run.combination) ?? 0;
      if (gain > most || (gain === most && gain > 0 && ran < fewest)) [best, most, fewest] = [run, gain, ran];
    }
    if (best === undefined) return chosen;
    chosen.add(best);
    times.set(best.combination, fewest + 1);
    for (const name of best.meets) met.add(name);
  }
}

/** What this backend runs of a table, in its order. */
export function runsOf<Case extends Named, DType extends string, Mode extends string>(
  cases: readonly Case[],
  dtypes: readonly DType[],
  modes: readonly Mode[],
  everything = backend.full,
): Runs<Case, DType, Mode>[] {
  const all = everyRun(cases, dtypes, modes);
  const chosen = everything ? new Set(all) : coveringRuns(all);
  return cases.flatMap((item) =>
    dtypes.flatMap((dtype) => {
      const here = all.filter((run) => run.item === item && run.dtype === dtype && chosen.has(run));
      return here.length > 0 ? [{ item, dtype, modes: here.map(({ mode }) => mode) }] : [];
    }),
  );
}
