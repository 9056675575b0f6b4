// Makes random malformed calls and judges how each ends: a CutlossError with a right code and untouched outputs, or the
// reference's answer. argv: first seed, number of calls, a file that always holds the seed in progress, for crashes.
// Run one call again with: CUTLOSS_FUZZ_SEED=<seed> CUTLOSS_FUZZ_CALLS=1

import { openSync, writeSync } from 'node:fs';
import { CutlossError, crossEntropy, crossEntropySync } from 'cutloss';
import { crossEntropy as reference } from '../reference/cross-entropy.js';
import { objectives } from '../reference/objectives.js';
import { decode } from '../support/dtypes.js';
import { random } from '../support/random.js';
import { type Anything, type Call, validCall, valuesOf } from './call.js';
import { mutations } from './mutations.js';
import { NothingToSpoil } from './spoil.js';
import { strange } from './strange.js';
import { setReentry, traps } from './traps.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const harm = { ...mutations, ...traps };
const harmNames = Object.keys(harm);
const strangeNames = Object.keys(strange);
const tally: Record<string, number> = {};

const other = {
  logits: { data: new Float32Array(24).fill(3), shape: [4, 6] },
  targets: { data: new Int32Array(4), shape: [4] },
};
setReentry(() => crossEntropySync(other, { temperature: 9, grads: true, reduction: 'sum' }));

/** What the answer must be, from the valid call. */
function expectedOf(call: Call) {
  const { inputs, options, classes, ids } = call;
  const { objective, reduction, upstream, ...rest } = options;
  const chosen = (
    objectives[(objective?.kind ?? 'crossEntropy') as keyof typeof objectives] as (o: object) => never
  )(objective ?? {});
  return reference(
    {
      logits: valuesOf(call),
      classes,
      targets: [...ids],
      weights: inputs.weights?.data,
      classWeights: inputs.classWeights?.data,
    },
    { ...rest, reduction, objective: chosen, time: call.rows, upstream: upstream ?? 1 },
  );
}

function close(got: ArrayLike<number>, exact: ArrayLike<number>, relative: number): boolean {
  let size = 0;
  for (let i = 0; i < exact.length; i++) size = Math.max(size, Math.abs(exact[i] as number));
  if (got.length !== exact.length) return false;
  for (let i = 0; i < exact.length; i++)
    if (!(Math.abs((got[i] as number) - (exact[i] as number)) <= relative * size + 1e-7)) return false;
  return true;
}

function wrongAnswer(call: Call, found: Anything, exact: ReturnType<typeof reference>): string | undefined {
  if (!close([found.loss], [exact.loss], 1e-5 * (1 + exact.lossMagnitude / (Math.abs(exact.loss) + 1e-9))))
    return `loss ${found.loss} instead of ${exact.loss}`;
  if (found.rows !== exact.rows) return `${found.rows} rows instead of ${exact.rows}`;
  if (found.perItem && !close(found.perItem.dataSync(), exact.perItem, 1e-5)) return 'perItem';
  if (found.lse && !close(found.lse.dataSync(), exact.lse, 1e-5)) return 'lse';
  if (!call.options.grads !== !found.grads.logits) return 'gradient not as asked for';
  const precision = { float32: 1e-5, float16: 2e-3, bfloat16: 1e-2 }[call.dtype];
  const gradient = found.grads.logits && decode(found.grads.logits.dataSync(), call.dtype);
  if (gradient && !close(gradient, exact.gradient, precision))
    return `gradient ${gradient.slice(0, 8)} instead of ${exact.gradient.slice(0, 8)}`;
  return undefined;
}

function wrongError(call: Call, error: Anything): string | undefined {
  if (call.own.has(error) || call.own.has(error?.constructor)) return undefined;
  if (!(error instanceof CutlossError))
    return `an error that is no CutlossError: ${error?.stack ?? String(error)}`;
  if (!call.must.has(error.code) && !call.may.has(error.code))
    return `the code ${error.code} instead of ${[...call.must, ...call.may]}: ${error.message}`;
  if (!error.stack?.includes(error.message) || error.message.length < 10)
    return `an error without a message or stack: ${error.stack}`;
  const { badTarget } = call;
  if (error.code !== 'ERR_CUTLOSS_TARGET' || !badTarget) return undefined;
  const { row, value } = badTarget;
  const named =
    error.details?.row === row &&
    error.details?.value === value &&
    error.message.includes(`${row}`) &&
    error.message.includes(`${value}`);
  return named
    ? undefined
    : `row ${row} and value ${value} are not named: ${error.message} ${JSON.stringify(error.details)}`;
}

async function judge(call: Call, exact: ReturnType<typeof reference>): Promise<string | undefined> {
  const args = call.args ?? [call.inputs, call.options];
  let found: Anything;
  try {
    if (call.random.below(10) === 0) {
      let promise: Promise<unknown>;
      try {
        promise = (crossEntropy as Anything)(...args);
      } catch (error) {
        return `the asynchronous call threw instead of rejecting: ${error}`;
      }
      found = await promise;
    } else found = (crossEntropySync as Anything)(...args);
  } catch (error) {
    tally[(error as CutlossError)?.code ?? 'own'] = (tally[(error as CutlossError)?.code ?? 'own'] ?? 0) + 1;
    const untouched = call.out?.every((value) => value === 7) ?? true;
    return untouched ? wrongError(call, error) : `outputs written although the call failed with ${error}`;
  }
  tally.answers = (tally.answers ?? 0) + 1;
  if (call.must.size > 0) return `an answer (loss ${found?.loss}) where it must fail with ${[...call.must]}`;
  if (call.may.has('ANSWER')) return undefined;
  return wrongAnswer(call, found, exact);
}

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const source = random(seed);
  const call = validCall(source);
  const exact = expectedOf(call);
  const applied: string[] = [];
  for (let n = source.below(3); n > 0 && !Object.isFrozen(call.inputs); n--) {
    const name = source.pick(strangeNames);
    if (strange[name]?.(call)) applied.push(name);
  }
  const harmful = source.pick([0, 1, 1, 1, 1, 2, 2, 3]);
  for (let n = 0; n < harmful && !Object.isFrozen(call.inputs); n++) {
    const name = source.pick(harmNames);
    try {
      if (!harm[name]?.(call)) continue;
      applied.push(name);
      if (name in traps) break; // the next would step into it
    } catch (error) {
      if (!(error instanceof NothingToSpoil || call.own.has(error))) throw error;
    }
  }
  const verdict = await judge(call, exact);
  if (verdict === undefined) continue;
  console.log(`seed ${seed} (${applied.join(', ') || 'a plain call'}): ${verdict}`);
  const { rows, classes, dtype, options } = call;
  console.log({ rows, classes, dtype, ids: call.ids, options, args: call.args });
  process.exit(71);
}
console.log(JSON.stringify(tally));
