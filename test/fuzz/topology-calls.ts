// Makes random calls of the functions of topology and judges how each ends: a CutlossError with a right code and
// untouched outputs, or the reference's answer. argv: as for malformed-calls.ts.

import { openSync, writeSync } from 'node:fs';
import * as cutloss from 'cutloss';
import { judge } from '../conformance/tolerance.js';
import * as reference from '../reference/topology.js';
import type { FloatDType } from '../support/dtypes.js';
import { decode } from '../support/dtypes.js';
import { random } from '../support/random.js';
import type { Anything } from './call.js';
import { ofTarget, pairOf, spoilers, type TopologyCall, validCall } from './topology-call.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const tally: Record<string, number> = {};
const add = (name: string): void => {
  tally[name] = (tally[name] ?? 0) + 1;
};

/** What the call promises of one item, as text: bars and counts are exact. */
function exactOf(call: TopologyCall, item: number): unknown {
  const extents = call.shape.slice(1);
  const voxels = extents.reduce((a, b) => a * b, 1);
  const [one, other] = call.fields.map(({ numbers }) => ({
    values: Float32Array.from(numbers.subarray(item * voxels, (item + 1) * voxels)),
    shape: extents,
  })) as Anything as [reference.Field, reference.Field];
  const options = call.options as Anything;
  const empty = extents.map(() => 0);
  switch (call.entry) {
    case 'persistence':
      return voxels ? reference.persistence(one, options).map((bars) => bars.length) : empty;
    case 'bettiNumbers':
      return voxels ? reference.bettiNumbers(one, options) : empty;
    case 'bettiMatchingError':
      return voxels ? reference.bettiMatchingError(one, other, options) : 0;
    case 'bettiNumberError':
      return voxels ? reference.bettiNumberError(one, other, options) : 0;
    default:
      return voxels ? reference.bettiMatching(one, other, options) : { loss: 0, gradient: [], sizes: [] };
  }
}

function wrongAnswer(call: TopologyCall, found: Anything, out: Anything): string | undefined {
  const [items = 0] = call.shape;
  const each = Array.from({ length: items }, (_, item) => item);
  const same = (a: unknown, b: unknown): string | undefined =>
    JSON.stringify(a) === JSON.stringify(b)
      ? undefined
      : `${JSON.stringify(a)} instead of ${JSON.stringify(b)}`;
  switch (call.entry) {
    case 'prepareTarget':
      return found instanceof cutloss.PreparedTarget ? undefined : 'no prepared target';
    case 'persistence':
      return same(
        found.map((dimensions: cutloss.Bars[]) => dimensions.map(({ birth }) => birth.length)),
        each.map((item) => exactOf(call, item)),
      );
    case 'bettiMatching':
      return wrongMatching(call, found, each.map((item) => exactOf(call, item)) as Exact[], out);
    default:
      return same(
        Array.from(found, (each: Anything) => (typeof each === 'number' ? each : [...each])),
        each.map((item) => exactOf(call, item)),
      );
  }
}

type Exact = ReturnType<typeof reference.bettiMatching>;

function wrongMatching(
  call: TopologyCall,
  found: Anything,
  exact: Exact[],
  out: Anything,
): string | undefined {
  const { reduction = 'mean', grads } = call.options;
  const scale = reduction === 'mean' ? 1 / Math.max(1, exact.length) : 1;
  const loss = exact.reduce((sum, item) => sum + item.loss, 0) * scale;
  const sizes = exact.reduce((sum, item) => sum + Math.abs(item.loss), 0) * scale;
  const close = Object.is(found.loss, loss) || Math.abs(found.loss - loss) <= 1e-12 * sizes;
  if (!close) return `loss ${found.loss} instead of ${loss}`;
  if (!grads !== !found.grads.prediction) return 'gradient not as asked for';
  if (!grads) return undefined;
  const dtype = call.fields[0]?.dtype as FloatDType;
  const gradient = found.grads.prediction.dataSync();
  if (out && gradient !== out) return 'the gradient is not in out';
  const all = (name: 'gradient' | 'sizes') =>
    exact.flatMap((item) => Array.from(item[name], (x) => x * scale));
  const { tensor, element, worst } = judge(decode(gradient, dtype), all('gradient'), dtype, all('sizes'));
  return tensor <= 1 && element <= 1 ? undefined : `gradient: ${worst}`;
}

async function run(call: TopologyCall, args: Anything[]): Promise<Anything> {
  if (call.random.below(4) > 0) return (cutloss as Anything)[`${call.entry}Sync`](...args);
  let promise: Promise<unknown>;
  try {
    promise = (cutloss as Anything)[call.entry](...args);
  } catch (error) {
    throw new Error(`the asynchronous call threw instead of rejecting: ${error}`);
  }
  return promise;
}

async function verdictOn(call: TopologyCall): Promise<string | undefined> {
  const [one, other] = call.fields.map(({ value }) => value);
  const args = (call as Anything).args ?? [
    pairOf(call) ? { prediction: one, target: other } : one,
    call.options,
  ];
  let found: Anything;
  try {
    found = await run(call, args);
  } catch (error) {
    if (!(error instanceof cutloss.CutlossError))
      return `no CutlossError: ${(error as Error)?.stack ?? error}`;
    add(error.code);
    const code = error.code.slice('ERR_CUTLOSS_'.length);
    if (!call.must.has(code)) return `the code ${code} instead of ${[...call.must]}: ${error.message}`;
    const written = call.out?.length && call.out.some((value) => value !== 7);
    return written ? 'outputs written by a failed call' : undefined;
  }
  add('answers');
  if (call.must.size > 0) return `an answer where it must fail with ${[...call.must]}`;
  return wrongAnswer(call, found, call.out);
}

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const source = random(seed);
  const call = validCall(source);
  const applied: string[] = [];
  if (source.below(5) < 3) {
    const name = source.pick(Object.keys(spoilers));
    const codes = spoilers[name]?.(call);
    if (codes === undefined) {
      add('nothing to spoil');
      continue;
    }
    applied.push(name);
    for (const code of codes) call.must.add(code);
  } else if (call.entry === 'bettiMatching' && source.below(3) === 0) {
    const target = call.fields[1] as Anything;
    target.value = cutloss.prepareTargetSync(target.value, ofTarget(call.options));
    applied.push('prepared');
  }
  const verdict = await verdictOn(call);
  if (verdict === undefined) continue;
  console.log(`seed ${seed}, ${call.entry} ${applied}: ${verdict}`);
  console.log(call.shape, call.options, call.fields);
  process.exit(71);
}
console.log(JSON.stringify(tally));
