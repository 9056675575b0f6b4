// What the bridge says to calls that cannot work; and tensors on their way between tfjs and cutloss.

import { CutlossError, type Tensor as OurTensor, tensor, toBFloat16, zeros } from 'cutloss';
import { expect, test } from 'vitest';
import { describeBackends } from './backends.js';

describeBackends('errors', (tf, losses) => {
  const logits = () => tf.ones([2, 3]);
  const ids = () => tf.tensor([0, 2], [2], 'int32');
  const wrong: readonly (readonly [title: string, call: () => unknown, code: string, message: string])[] = [
    [
      'class ids of float32',
      () => losses.crossEntropy()(tf.tensor([0, 2]), logits()),
      'DTYPE',
      'targets.toInt() converts',
    ],
    [
      'logits of int32',
      () => losses.crossEntropy()(ids(), logits().toInt()),
      'DTYPE',
      'for logits but received int32',
    ],
    ['too few class ids', () => losses.crossEntropy()(ids(), tf.ones([4, 3])), 'SHAPE', 'Expected shape [4]'],
    [
      'labels of another shape',
      () => losses.crossEntropy()(tf.ones([2, 4]), logits()),
      'SHAPE',
      'for targets',
    ],
    [
      'a class that there is not',
      () => losses.crossEntropy()(ids(), tf.ones([2, 2])),
      'TARGET',
      'in [0, 2) for row 1',
    ],
    ['strings', () => losses.crossEntropy()(tf.tensor(['a', 'b']), logits()), 'DTYPE', "received 'string'"],
    [
      'an array',
      () => losses.crossEntropy()([0, 2] as never, logits()),
      'DTYPE',
      'Expected a tensor of tfjs for targets',
    ],
    [
      'a tensor of ours',
      () => losses.crossEntropy()(zeros([2]) as never, logits()),
      'DTYPE',
      'a tensor of tfjs',
    ],
    ['one tensor', () => (losses.crossEntropy() as (t: unknown) => unknown)(ids()), 'DTYPE', 'for logits'],
    ['tensors as options', () => losses.crossEntropy(ids() as never), 'OPTION', 'options come first'],
    [
      'inputs as options',
      () => losses.crossEntropy({ targets: ids(), logits: logits() } as never),
      'OPTION',
      'Expected options for losses.crossEntropy but received the input targets: options come first',
    ],
    ['a misspelled option', () => losses.crossEntropy({ reducton: 'sum' } as never), 'OPTION', "'reduction'"],
    [
      'a value that an option cannot have',
      () => losses.crossEntropy({ labelSmoothing: 2 }),
      'OPTION',
      'Expected a number from 0 to 1 for labelSmoothing',
    ],
    [
      'an option that tfjs drives',
      () => losses.crossEntropy({ upstream: 2 } as never),
      'OPTION',
      'tfjs brings',
    ],
    [
      'four tensors',
      () => (losses.crossEntropy() as (...t: unknown[]) => unknown)(ids(), logits(), ids(), ids()),
      'OPTION',
      'at most 3',
    ],
    [
      'a disposed tensor',
      () => {
        const gone = logits();
        gone.dispose();
        return losses.crossEntropy()(ids(), gone);
      },
      'DISPOSED',
      'Expected a live tensor for logits',
    ],
  ];
  test.each(wrong)('%s', (_, call, code, message) => {
    let caught: unknown;
    tf.tidy(() => {
      try {
        call();
      } catch (error) {
        caught = error;
      }
    });
    expect(caught).toBeInstanceOf(CutlossError);
    expect(caught).toMatchObject({ code: `ERR_CUTLOSS_${code}`, message: expect.stringContaining(message) });
  });

  const { fromTf: _, toTf: __, ...all } = losses;
  test.each(Object.entries(all))('%s is not made with a misspelled option', (name, make) => {
    const message = `Expected an option of ${name} but received 'reducton': did you mean 'reduction'?`;
    expect(() => (make as (options: unknown) => unknown)({ reducton: 'sum' })).toThrow(message);
  });
});

describeBackends('fromTf and toTf', (tf, losses, name) => {
  test('there and back, every dtype that both have', () => {
    tf.tidy(() => {
      for (const [values, dtype] of [
        [[1.5, -2], 'float32'],
        [[3, -4], 'int32'],
        [[1, 0], 'bool'],
      ] as const) {
        const ours = losses.fromTf(tf.tensor([...values], [2, 1], dtype));
        expect([ours.dtype, ours.shape, Array.from(ours.dataSync())]).toEqual([dtype, [2, 1], values]);
        const theirs = losses.toTf(ours);
        expect([theirs.dtype, theirs.shape, Array.from(theirs.dataSync())]).toEqual([dtype, [2, 1], values]);
      }
    });
  });

  test('what tfjs has no dtype for is converted, or refused by name', () => {
    tf.tidy(() => {
      const half = losses.toTf(tensor(toBFloat16(Float32Array.of(1, -2)), [2], 'bfloat16'));
      expect([half.dtype, ...half.dataSync()]).toEqual(['float32', 1, -2]);
      const bytes = losses.toTf(tensor(Uint8Array.of(7, 255)));
      expect([bytes.dtype, ...bytes.dataSync()]).toEqual(['int32', 7, 255]);
      expect(() => losses.toTf(zeros([1], 'int64'))).toThrow(
        "Expected a dtype that tfjs can hold but received 'int64'",
      );
      expect(() => losses.fromTf(zeros([1]) as never)).toThrow('Expected a tensor of tfjs');
      expect(() => losses.toTf(tf.ones([1]) as never as OurTensor)).toThrow('Expected a Tensor of cutloss');
    });
  });

  test.runIf(name === 'cpu')('on the cpu backend over the same memory', () => {
    const values = Float32Array.of(1, 2);
    const theirs = losses.toTf(tensor(values));
    expect(losses.fromTf(theirs).dataSync()).toBe(values);
    theirs.dispose();
  });
});
