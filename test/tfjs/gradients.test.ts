// Through the bridge, value and gradients are those of the same loss composed of tfjs operations: every loss, every
// option, every backend; whatever dy is, inside tf.tidy and for losses per item.

import { expect, test } from 'vitest';
import { describeBackends, type Tensor, type Tf } from './backends.js';
import { type BridgeCase, bridgeCases, normals } from './cases.js';

/** Value and gradients of dy · loss, or of the sum of dy_i loss_i. */
function evaluate(tf: Tf, item: BridgeCase, loss: (...tensors: Tensor[]) => Tensor, dy: number) {
  const tensors = item.tensors(tf);
  const watched = item.differentiable.map((place) => tensors[place] as Tensor);
  const weighed = (...given: Tensor[]) => {
    const all = [...tensors];
    for (const [i, place] of item.differentiable.entries()) all[place] = given[i] as Tensor;
    const value = loss(...all);
    return tf.sum(tf.mul(value, value.rank === 0 ? dy : normals(tf, value.shape, 9, dy))) as never;
  };
  const { value, grads } = tf.valueAndGrads(weighed)(watched);
  return [value, ...grads].map((tensor) => ({
    shape: tensor.shape,
    data: tensor.dataSync() as Float32Array,
  }));
}

/** As far as the largest element says how large an error matters. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) {
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i] as number));
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    worst = error > worst || Number.isNaN(error) ? error : worst;
  }
  expect(worst, `${what}, scale ${scale}`).toBeLessThanOrEqual(1e-4 * Math.max(scale, 1e-3));
}

describeBackends('as composed of tfjs operations', (tf, losses, name) => {
  // The wasm backend lacks the gradient of gather(), which the composed Betti matching needs.
  const composable = bridgeCases.filter(({ loss }) => name !== 'wasm' || loss !== 'bettiMatching');
  test.each(composable.map((item) => [`${item.loss}: ${item.title}`, item] as const))('%s', (_, item) => {
    const ours = (losses[item.loss] as (options?: object) => (...tensors: Tensor[]) => Tensor)(item.options);
    for (const dy of [1, -2.5]) {
      tf.tidy(() => {
        const expected = evaluate(tf, item, (...tensors) => item.composed(tf, tensors), dy);
        const actual = evaluate(tf, item, ours, dy);
        for (const [i, { shape, data }] of actual.entries()) {
          const what = `${i === 0 ? 'value' : `gradient ${i}`}, dy ${dy}`;
          expect(shape, what).toEqual(expected[i]?.shape);
          expectClose(data, expected[i]?.data as Float32Array, what);
        }
      });
    }
  });
});
