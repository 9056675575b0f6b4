// The losses where users put them: model.compile(), optimizer.minimize(), tidy, evaluation, worker threads; and what is
// left behind when they are done.

import { describe, expect, test } from 'vitest';
import { tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';
import { runChild } from '../support/child.js';
import { backends, describeBackends } from './backends.js';
import { integers, normals } from './cases.js';

describeBackends('training', (tf, losses, name) => {
  test('model.compile({ loss }) and model.fit(): the loss falls', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], useBias: true })] });
    model.compile({
      optimizer: tf.train.adam(0.1),
      loss: losses.crossEntropy(),
      metrics: [losses.crossEntropy()],
    });
    const [x, ids] = [normals(tf, [30, 4], 1), integers(tf, [30], 3, 2)];
    const y = tf.cast(tf.oneHot(ids as never, 3), 'float32');
    const { history } = await model.fit(x, y, { epochs: 8, batchSize: 10, verbose: 0, shuffle: false });
    const falling = history.loss as number[];
    expect(falling.at(-1)).toBeLessThan(0.9 * (falling[0] as number));
    expect(await (model.evaluate(x, y) as (typeof x)[])[0]?.data()).toHaveLength(1);
  });

  test('optimizer.minimize(): the loss falls and no tensor is left', () => {
    const logits = tf.variable(normals(tf, [6, 5], 3));
    const targets = integers(tf, [6], 5, 4);
    const loss = losses.crossEntropy();
    const optimizer = tf.train.sgd(1);
    const step = () => optimizer.minimize(() => loss(targets, logits), true) as typeof logits;
    const first = tf.tidy(() => step().dataSync()[0] as number);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) step().dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.tidy(() => step().dataSync()[0] as number)).toBeLessThan(0.5 * first);
  });

  test('without a gradient nothing but the loss is made', () => {
    const [logits, targets] = [normals(tf, [4, 5], 1), integers(tf, [4], 5, 2)];
    const before = tf.memory();
    const loss = losses.crossEntropy()(targets, logits);
    expect(tf.memory().numTensors).toBe(before.numTensors + 1);
    expect(tf.memory().numBytes).toBe(before.numBytes + 4);
    tf.dispose([logits, targets, loss]);
  });

  test('a failed call leaves nothing behind', () => {
    const logits = normals(tf, [4, 5], 1);
    const targets = tf.tensor([0, 1, 5, 2], [4], 'int32');
    const before = tf.memory().numTensors;
    const gradient = tf.grad((x) => losses.crossEntropy()(targets, x));
    expect(() => gradient(logits)).toThrow('Expected targets in [0, 5) for row 2 but received 5');
    expect(tf.memory().numTensors).toBe(before);
    expect(
      tf.tidy(
        () =>
          losses
            .crossEntropy()(tf.ones([4], 'int32'), logits)
            .dataSync()[0],
      ),
    ).toBeGreaterThan(0);
    tf.dispose([logits, targets]);
  });

  test('the gradient may go on to what came before, and two losses may be added', () => {
    tf.tidy(() => {
      const [hidden, weights, targets] = [
        normals(tf, [4, 3], 1),
        normals(tf, [3, 5], 2),
        integers(tf, [4], 5, 3),
      ];
      const ours = losses.crossEntropy();
      const theirs = (x: typeof hidden) => tf.losses.softmaxCrossEntropy(tf.oneHot(targets as never, 5), x);
      const both = (loss: (x: typeof hidden) => typeof hidden) => (w: typeof hidden) => {
        const logits = tf.matMul(hidden as never, w as never);
        return tf.add(loss(logits), tf.mul(loss(tf.square(logits)), 0.5));
      };
      const actual = tf.grad(both((x) => ours(targets, x)))(weights);
      const expected = tf.grad(both(theirs))(weights);
      expect(tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0]).toBeLessThan(1e-5);
    });
  });

  test('tensors that another backend made are brought here', async () => {
    await tf.setBackend('cpu');
    const [logits, targets] = [normals(tf, [512, 3000], 1), integers(tf, [512], 3000, 2)];
    const onCpu = tf.tidy(() => losses.crossEntropy()(targets, logits).dataSync()[0] as number);
    await tf.setBackend(name);
    const { value, grad } = tf.valueAndGrad((x) => losses.crossEntropy()(targets, x))(logits);
    expect(value.dataSync()[0]).toBeCloseTo(onCpu, 5);
    expect((tf.sum(tf.abs(grad)).dataSync()[0] as number) / 2).toBeCloseTo(1, 2);
    tf.dispose([logits, targets, value, grad]);
  });

  test(`kernels are registered on ${name} once, by name`, () => {
    tf.tidy(() => losses.crossEntropy()(integers(tf, [4], 5, 2), normals(tf, [4, 5], 1)));
    expect(tf.getKernel('CutlossCrossEntropy', name)).toBeDefined();
  });
});

const folder = tfjsNodeFolder() ?? '';
describe.each(backends.filter((name) => name !== 'other'))('a process of its own, %s', (name) => {
  const run = name === 'tensorflow' && folder === '' ? test.skip : test;
  const child = async (script: string): Promise<string> => {
    const file = new URL(`./children/${script}.mjs`, import.meta.url);
    const env = { CUTLOSS_TFJS_NODE: folder, TF_CPP_MIN_LOG_LEVEL: '3' };
    const node = ['--expose-gc', '--max-semi-space-size=1']; // V8's young generation would grow meanwhile
    const { code, stdout, stderr } = await runChild(file, { args: [name], node, env });
    if (code === 0) return stdout; // TensorFlow talks to stderr about this and that
    throw new Error(`Expected a clean exit but received ${code}: ${stderr.slice(-2000)}`);
  };

  run('1,000 steps leave no tensor and at most 8 MiB', async () => {
    const { tensors, bytes, falls } = JSON.parse(await child('steps'));
    expect(tensors).toBe(0);
    expect(bytes).toBeLessThanOrEqual(8 * 2 ** 20);
    expect(falls).toBe(true);
  });

  run('worker threads and a second copy of the package train beside the first', async () => {
    expect(await child('copies')).toBe('main 0.5\nsecond copy 0.5\nworker 0.5\nworker 0.5\nmain 0.5\n');
  });
});
