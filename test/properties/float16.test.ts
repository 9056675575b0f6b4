// The 16-bit conversions against rules written from IEEE 754 in test/support: every one of the 65,536 patterns, and
// float32 values of every size, ties and subnormals among them.

import { crossEntropySync, fromBFloat16, fromFloat16, tensor, toBFloat16, toFloat16 } from 'cutloss';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../support/dtypes.js';
import { random } from '../support/random.js';

const every = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const conversions = [
  ['float16', toFloat16, fromFloat16],
  ['bfloat16', toBFloat16, fromBFloat16],
] as const;

/** float32 of random bits, values near the border of float16's ranges, and exact ties between neighbours. */
function values(): Float32Array {
  const source = random(3);
  const bits = Uint32Array.from({ length: 60_000 }, () => Math.floor(source.uniform() * 2 ** 32));
  const sizes = Array.from({ length: 60_000 }, () => source.normal() * 2 ** (source.below(60) - 40));
  const ties = Array.from(
    { length: 20_000 },
    () => (source.below(8192) + 0.5) * 2 ** (source.below(40) - 30),
  );
  const borders = [
    65504,
    65519.996,
    65520,
    65536,
    2 ** -14,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
    3.39e38,
    3.4028e38,
  ];
  return Float32Array.from([
    ...new Float32Array(bits.buffer),
    ...sizes,
    ...ties,
    ...borders,
    ...borders.map((x) => -x),
  ]);
}

describe.each(conversions)('%s', (dtype, to, from) => {
  test('every pattern has the value that the format says', () => {
    const found = from(every);
    const exact = decode(every, dtype);
    expect(found).toHaveLength(65536);
    for (let i = 0; i < 65536; i++)
      if (!Object.is(found[i], exact[i])) expect(`${i}: ${found[i]}`).toBe(`${i}: ${exact[i]}`);
  });

  test('every pattern survives the way there and back; NaN stays NaN', () => {
    const back = to(from(every));
    const exact = decode(every, dtype);
    for (let i = 0; i < 65536; i++) {
      if (Number.isNaN(exact[i])) expect(from(back.subarray(i, i + 1))[0]).toBeNaN();
      else if (back[i] !== i) expect(back[i]).toBe(i);
    }
  });

  test('numbers of a list are rounded once, not to float32 first', () => {
    const step = dtype === 'float16' ? 2 ** -10 : 2 ** -7;
    const list = [
      1 + step / 2 + 2 ** -40,
      1 + step / 2,
      1 + (3 * step) / 2 - 2 ** -40,
      -1 - step / 2 - 2 ** -40,
    ];
    list.push(1e39, -Infinity, 0, -0, 5e-324);
    const wanted = [1 + step, 1, 1 + step, -1 - step, Infinity, -Infinity, 0, -0, 0];
    expect([...from(tensor(list, [list.length], dtype).dataSync() as Uint16Array)]).toEqual(wanted);
  });

  test('values are rounded to nearest even, once', () => {
    const given = values();
    const found = to(given);
    const exact = encode(given, dtype);
    for (let i = 0; i < given.length; i++) {
      if (!Number.isNaN(given[i]) && found[i] !== exact[i])
        expect(`${given[i]}: ${found[i]}`).toBe(`${given[i]}: ${exact[i]}`);
    }
  });
});

test.runIf('Float16Array' in globalThis)("the runtime's own Float16Array is taken as float16", () => {
  const Float16 = (globalThis as Record<string, unknown>).Float16Array as new (
    values: number[],
  ) => Float32Array;
  const targets = { data: Int32Array.of(1), shape: [1] };
  const own = crossEntropySync({ logits: { data: new Float16([1, 2, 3]), shape: [1, 3] }, targets });
  const bits = crossEntropySync({
    logits: { data: toFloat16(Float32Array.of(1, 2, 3)), shape: [1, 3], dtype: 'float16' },
    targets,
  });
  expect(own.loss).toBe(bits.loss);
});
