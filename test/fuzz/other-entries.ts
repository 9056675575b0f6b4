// Random arguments for the entry points beside the losses: tensor, zeros, the 16-bit conversions and the knobs. Each
// call ends in a CutlossError or in what it promises. argv: as for malformed-calls.ts.

import { openSync, writeSync } from 'node:fs';
import * as cutloss from 'cutloss';
import { random } from '../support/random.js';
import { type Anything, resizableBuffer } from './call.js';

const [first = 1, count = 1000] = process.argv.slice(2, 4).map(Number);
const progress = openSync(process.argv[4] as string, 'w');
const tally: Record<string, number> = {};
const resizable = resizableBuffer(16);
const gone = new Float32Array(4);
structuredClone(gone.buffer, { transfer: [gone.buffer] });
const circular: Anything[] = [];
circular.push(circular);
let deep: Anything = 1;
for (let i = 0; i < 5000; i++) deep = [deep];
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const values: (() => Anything)[] = [
  ...[
    undefined,
    null,
    0,
    1,
    -1,
    2.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    2 ** 53,
    1e300,
    '',
    'x',
    '3',
    'cpu',
    'cuda',
    'cuda:0',
    'cuda:-1',
    'auto',
    'float32',
    'bfloat16',
    'int64',
    'bool',
    true,
    5n,
    2n ** 63n,
    Symbol('s'),
  ].map((value) => () => value),
  () => [],
  () => [2, 2],
  () => [4],
  () => [2 ** 31, 2 ** 31],
  () => [2 ** 40],
  () => [-1, -4],
  () => [1.5],
  () => [NaN],
  () => ['2'],
  () => Array(33).fill(1),
  () => [
    [1, 2],
    [3, 4],
  ],
  () => [[1, 2], [3]],
  () => [[1, 'x']],
  () => [[1n]],
  () => circular,
  () => deep,
  () => new Proxy([1, 2], {}),
  () => revoked.proxy,
  () => gone,
  () => new Float32Array(resizable),
  () => new Float32Array(new SharedArrayBuffer(16)),
  () => Float32Array.of(1, -0, NaN, 1e40, 1e-45),
  () => new Float64Array(4),
  () => Uint16Array.of(0, 0x7c00, 0xffff, 0x8000),
  () => Int32Array.of(1, 2, 3, 4),
  () => BigInt64Array.of(1n, -1n),
  () => new Uint8Array(4),
  () => new DataView(new ArrayBuffer(4)),
  () => () => 1,
  () => ({}),
  () => ({ length: 3 }),
];

const isTensor = (result: Anything): boolean =>
  result instanceof cutloss.Tensor &&
  result.dataSync().length === result.size &&
  result.shape.reduce((a: number, b: number) => a * b, 1) === result.size;
const isArrayOf = (kind: Anything, args: Anything[]) => (result: Anything) =>
  result instanceof kind && result.length === args[0].length;
const isNothing = (result: Anything): boolean => result === undefined;
const entries: [string, number, (args: Anything[]) => (result: Anything) => boolean][] = [
  ['tensor', 3, () => isTensor],
  ['zeros', 3, () => isTensor],
  ['toBFloat16', 1, (args) => isArrayOf(Uint16Array, args)],
  ['fromBFloat16', 1, (args) => isArrayOf(Float32Array, args)],
  ['toFloat16', 1, (args) => isArrayOf(Uint16Array, args)],
  ['fromFloat16', 1, (args) => isArrayOf(Float32Array, args)],
  ['setThreads', 1, () => isNothing],
  ['setDevice', 1, () => isNothing],
  ['versions', 1, () => (result) => result.nodeApi === 8],
];

for (let seed = first; seed < first + count; seed++) {
  writeSync(progress, `${seed}\n`, 0);
  const { pick, below } = random(seed);
  const [name, most, promise] = pick(entries);
  const args = Array.from({ length: below(8) ? most : below(most + 1) }, () => pick(values)());
  let verdict: string | undefined;
  try {
    const result = (cutloss as Anything)[name](...args);
    if (!promise(args)(result)) verdict = `an answer that is not what it promises: ${String(result)}`;
    tally.answers = (tally.answers ?? 0) + 1;
  } catch (error) {
    if (!(error instanceof cutloss.CutlossError))
      verdict = `an error that is no CutlossError: ${(error as Error)?.stack}`;
    else if (error.code === 'ERR_CUTLOSS_INTERNAL' || error.code === 'ERR_CUTLOSS_LOAD')
      verdict = `${error.code}: ${error.message}`;
    else tally[error.code] = (tally[error.code] ?? 0) + 1;
  }
  if (verdict === undefined) continue;
  console.log(`seed ${seed}, ${name} with ${args.length} arguments: ${verdict}`);
  console.log(args.map((value) => (value === deep ? 'deep' : value === revoked.proxy ? 'revoked' : value)));
  process.exit(71);
}
cutloss.setThreads(1);
console.log(JSON.stringify(tally));
