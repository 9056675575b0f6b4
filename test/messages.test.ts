// What a mistake is answered with: the messages that help, word for word. The codes of every other bad call are the
// fuzzer's business.

import * as tf from '@tensorflow/tfjs';
import {
  bettiMatchingSync,
  CutlossError,
  crossEntropySync,
  cutCrossEntropySync,
  diceSync,
  persistenceSync,
  prepareTargetSync,
  setDevice,
  type Tensor,
  tensor,
  zeros,
} from 'cutloss';
import { describe, expect, test } from 'vitest';
import { runChild } from './support/child.js';

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
type Wrong = any;

const logits = tensor([
  [2, -1, 0],
  [0, 1, 3],
]);
const targets = tensor(new Int32Array([0, 1]));
const inputs = { logits, targets };
const call = (given: Wrong, options?: Wrong) => () => crossEntropySync(given, options);
const withData = (data: Wrong, more?: object) => call({ logits: { data, shape: [2, 3], ...more }, targets });
const floats = new Float32Array(6);

const shapeOf = 'a shape, the lengths of the axes as in [2, 3],';
const last = 'Float16Array' in globalThis ? ', Uint8Array or Float16Array' : ' or Uint8Array';
const kinds = `a Float32Array, Uint16Array, Int32Array, BigInt64Array${last}`;
const oneObject = 'inputs are passed in one object, crossEntropy({ logits, targets }, options)';
const byName = 'give each tensor by the name of its input, out: { logits: … }';

const cut = {
  hidden: tensor([
    [1, 0],
    [0, 1],
  ]),
  classifier: tensor([
    [2, 0],
    [0, 2],
    [1, 1],
  ]),
  targets,
};
const cutCall = (given: object, options?: Wrong) => () =>
  cutCrossEntropySync({ ...cut, ...given } as Wrong, options);

const field = zeros([1, 4, 4]);
const pictures = zeros([2, 4, 5, 6]);
const diceCall = (shape: number[], options?: Wrong) => () =>
  diceSync({ predictions: pictures, targets: zeros(shape, 'int32') }, options);
const bettiCall = (options: Wrong) => () => bettiMatchingSync({ prediction: field, target: field }, options);

const mistakes: Record<string, [code: string, message: string, run: () => unknown][]> = {
  'tensors and arrays': [
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for logits but received what is left of one: a Tensor loses its memory when it is cloned; send { data, shape, dtype } instead',
      call({ logits: structuredClone(logits), targets }),
    ],
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for logits but received a Float32Array without a shape: logits have the shape [..., classes]',
      call({ logits: floats, targets }),
    ],
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for classWeights but received a Float32Array without a shape: classWeights have the shape [classes]',
      call({ logits, targets, classWeights: floats }),
    ],
    [
      'SHAPE',
      `Expected ${shapeOf} for logits.shape but received undefined: logits have the shape [..., classes]`,
      withData(floats, { shape: undefined }),
    ],
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for logits but received an array: tensor(values) makes a float32 tensor of it, tensor(new Int32Array(values)) class ids',
      call({ logits: [[1, 2]], targets }),
    ],
    [
      'DTYPE',
      "Expected a typed array for logits.data but received a function: tensors of tfjs go to the losses of bind(tf), from 'cutloss/tfjs'; of any other tensor give { data: x.dataSync(), shape: x.shape }",
      withData(() => floats),
    ],
    [
      'DTYPE',
      'Expected a typed array for logits.data but received undefined: it is a Promise, to be awaited',
      call({ logits: Promise.resolve(), targets }),
    ],
    [
      'DTYPE',
      "Expected 'float16' or 'bfloat16' as the dtype for logits but received a Uint16Array without a dtype: Int32Array.from(x) if these are whole numbers",
      withData(new Uint16Array(6)),
    ],
    [
      'DTYPE',
      `Expected ${kinds} for logits but received a Float64Array: Float32Array.from(x) converts it`,
      withData(new Float64Array(6)),
    ],
    [
      'DTYPE',
      `Expected ${kinds} for logits but received an Int8Array: Int32Array.from(x) converts it`,
      withData(new Int8Array(6)),
    ],
    [
      'DTYPE',
      `Expected ${kinds} for values but received a BigUint64Array: BigInt64Array.from(x) converts it`,
      () => tensor(new BigUint64Array(6) as Wrong),
    ],
    [
      'DTYPE',
      'Expected an Int32Array for values of dtype int32 but received a BigInt64Array: Int32Array.from(x, Number) converts it',
      () => tensor(new BigInt64Array(6), [6], 'int32'),
    ],
    [
      'SHAPE',
      `Expected ${shapeOf} for shape but received 'int32': the dtype is the third argument`,
      () => tensor(floats, 'int32' as Wrong),
    ],
    ['SHAPE', `Expected ${shapeOf} for shape but received 3`, () => zeros(3 as Wrong)],
    [
      'SHAPE',
      'Expected an array of length 2, as the first is, at depth 1 of values but received an array of length 1',
      () => tensor([[1, 2], [3]]),
    ],
    [
      'SHAPE',
      'Expected a shape, the lengths of the axes as in [2, 3], for shape but received 2',
      () => zeros(2 as Wrong, 3 as Wrong),
    ],
    [
      'DTYPE',
      'Expected a typed array, a number or nested arrays for values but received a Tensor',
      () => tensor(logits as Wrong),
    ],
  ],
  targets: [
    [
      'DTYPE',
      'Expected int32, int64 or uint8, as class ids are, for targets of shape [2] but received float32: write tensor(new Int32Array([...]))',
      call({ logits, targets: tensor([0, 1]) }),
    ],
    [
      'SHAPE',
      'Expected shape [2], one class id per row of logits [2, 3], for targets but received [3]',
      call({ logits, targets: tensor(new Int32Array(3)) }),
    ],
    [
      'SHAPE',
      'Expected shape [2], one class id per row of logits [2, 3], for targets but received [2, 3]: one-hot rows are float32',
      call({ logits, targets: tensor(new Int32Array(6), [2, 3]) }),
    ],
    [
      'SHAPE',
      'Expected shape [], since logits of shape [6] are one row, for targets but received [2]',
      call({ logits: tensor(floats), targets }),
    ],
  ],
  names: [
    [
      'OPTION',
      "Expected an option of crossEntropy but received 'reducton': did you mean 'reduction'?",
      call(inputs, { reducton: 'sum' }),
    ],
    [
      'OPTION',
      "Expected an option of crossEntropy but received 'ignore_index': did you mean 'ignoreIndex'?",
      call(inputs, { ignore_index: 0 }),
    ],
    [
      'OPTION',
      "Expected an option of crossEntropy but received 'weights': weights is an input: pass it with logits and targets",
      call(inputs, { weights: targets }),
    ],
    [
      'OPTION',
      "Expected an option of crossEntropy but received 'weight': did you mean 'weights'? weights is an input: pass it with logits and targets",
      call(inputs, { weight: targets }),
    ],
    [
      'OPTION',
      "Expected an input of crossEntropy but received 'grads': grads is an option: pass it in the second argument",
      call({ ...inputs, grads: true }),
    ],
    [
      'OPTION',
      "Expected an input of crossEntropy but received 'banana': known are 'logits', 'targets', 'weights' and 'classWeights'",
      call({ ...inputs, banana: 1 }),
    ],
  ],
  'what is given where': [
    [
      'OPTION',
      "Expected 'crossEntropy', a function, or an object of kind 'focal', 'poly1', 'generalized', 'compSum', 'meanAbsolute', 'symmetric', 'encouraging' or 'passAtN' for objective but received 'focal': write { kind: 'focal' }",
      call(inputs, { objective: 'focal' }),
    ],
    [
      'OPTION',
      `Expected an object for the options of crossEntropy but received a Tensor: ${oneObject}`,
      call(logits, targets),
    ],
    [
      'OPTION',
      `Expected { logits, targets } for the inputs of crossEntropy but received a Float32Array: ${oneObject}`,
      call(floats),
    ],
    [
      'OPTION',
      `Expected { logits, targets } for the inputs of crossEntropy but received an array: ${oneObject}`,
      call([logits, targets]),
    ],
    [
      'OPTION',
      `Expected { logits } for out but received a Tensor: ${byName}`,
      call(inputs, { grads: true, out: logits }),
    ],
    [
      'OPTION',
      `Expected an option of out but received 'data': ${byName}`,
      call(inputs, { grads: true, out: { data: floats, shape: [2, 3] } }),
    ],
    [
      'OPTION',
      'Expected { loss, weights } for the result of the objective function but received a Promise: it must answer at once, not be async',
      call(inputs, { objective: async () => ({ loss: floats, weights: floats }) }),
    ],
    [
      'OPTION',
      'Expected an AbortSignal for signal but received an object',
      call(inputs, { signal: new Proxy(new AbortController().signal, {}) }),
    ],
    [
      'DEVICE',
      "Expected 'auto', 'cpu', 'cuda' or 'cuda:<number>' for device but received 'gpu'",
      () => setDevice('gpu' as Wrong),
    ],
  ],
  'tensors of tfjs': [
    [
      'OPTION',
      "Expected an option of crossEntropy but received 'kept': tensors of tfjs go to the losses of bind(tf), from 'cutloss/tfjs'",
      call(inputs, tf.tensor([1])),
    ],
    [
      'DTYPE',
      'Expected a typed array, a number or nested arrays for values but received an object: of a tensor of tfjs, tensor(x.dataSync(), x.shape) is one of ours',
      () => tensor(tf.tensor([1]) as Wrong),
    ],
  ],
  cutCrossEntropy: [
    [
      'SHAPE',
      'Expected shape [3], one class id per row of hidden [3, 2], for targets but received [2]: are hidden and classifier swapped?',
      cutCall({ hidden: cut.classifier, classifier: cut.hidden }),
    ],
    [
      'SHAPE',
      'Expected shape [vocab, 2] with at least one word, as hidden has 2 dims, for classifier but received [1, 3]',
      cutCall({ classifier: tensor([[1, 2, 3]]) }),
    ],
    [
      'DTYPE',
      'Expected float32 for classifier but received bfloat16',
      cutCall({ classifier: tensor(new Uint16Array(6), [3, 2], 'bfloat16') }),
    ],
    [
      'OPTION',
      "Expected an input of cutCrossEntropy but received 'classifer': did you mean 'classifier'?",
      cutCall({ classifer: cut.classifier }),
    ],
    [
      'SHAPE',
      'Expected shape [3], one element per word, for bias but received [2]',
      cutCall({ bias: tensor([1, 2]) }),
    ],
    [
      'OPTION',
      'Expected a bias, since grads asks for its gradient, for bias but received undefined',
      cutCall({}, { grads: ['bias'] }),
    ],
    [
      'OPTION',
      "Expected 'hidden', 'classifier' or 'bias' for grads[0] but received 'logits'",
      cutCall({}, { grads: ['logits'] }),
    ],
    [
      'OPTION',
      "Expected 'none', 'hidden' or 'both' for gradientFilter but received 'all'",
      cutCall({}, { gradientFilter: 'all' }),
    ],
    [
      'OPTION',
      "Expected an option of gradientFilter but received 'epsilon': known are 'hidden', 'classifier', 'eps' and 'sortVocabulary'",
      cutCall({}, { gradientFilter: { epsilon: 0.1 } }),
    ],
    [
      'OPTION',
      "Expected an option of cutCrossEntropy but received 'workSpaceBytes': did you mean 'workspaceBytes'?",
      cutCall({}, { workSpaceBytes: 1 }),
    ],
    [
      'TARGET',
      'Expected targets in [0, 3) for row 1 but received 3',
      cutCall({ targets: tensor(new Int32Array([0, 3])) }),
    ],
  ],
  'tensors of other functions': [
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for field but received an object: it has no data',
      () => persistenceSync({ field } as Wrong),
    ],
    [
      'SHAPE',
      'Expected shape [2, 4, 5], one class id per row of logits [2, 4, 5, 6], for targets but received [2, 5, 6]: logits have their classes last, [..., classes]',
      call({ logits: pictures, targets: zeros([2, 5, 6], 'int32') }),
    ],
    [
      'DTYPE',
      'Expected int32, int64 or uint8, as class ids are, for targets of shape [2, 3] but received float32: only crossEntropy() takes probabilities',
      cutCall({ targets: zeros([2, 3]) }),
    ],
    [
      'DTYPE',
      'Expected int32, int64 or uint8, as class ids are, for targets of shape [1, 4] but received float32: masks of the only class have the shape [1, 4, 1] of predictions',
      () => diceSync({ predictions: zeros([1, 4, 1]), targets: zeros([1, 4]) }),
    ],
    [
      'OPTION',
      "Expected an input of crossEntropy but received 'predictions': known are 'logits', 'targets', 'weights' and 'classWeights'",
      call({ predictions: logits, targets }),
    ],
  ],
  'losses of regions': [
    [
      'SHAPE',
      "Expected shape [2, 4, 5], one class id per pixel of predictions [2, 4, 5, 6], for targets but received [2, 5, 6]: they fit with layout: 'channelsFirst'",
      diceCall([2, 5, 6]),
    ],
    [
      'SHAPE',
      "Expected shape [2, 5, 6], one class id per pixel of predictions [2, 4, 5, 6], for targets but received [2, 4, 5]: they fit with layout: 'channelsLast'",
      diceCall([2, 4, 5], { layout: 'channelsFirst' }),
    ],
    [
      'SHAPE',
      'Expected shape [2, 4, 5], one class id per pixel of predictions [2, 4, 5, 6], for targets but received [2, 4]',
      diceCall([2, 4]),
    ],
    [
      'OPTION',
      'Expected a number from 0 to 3.4028234663852886e+38 for smooth.numerator but received -1',
      diceCall([2, 4, 5], { smooth: { numerator: -1 } }),
    ],
    [
      'OPTION',
      'Expected a number from 0 to 1 for focal.alpha but received 2',
      diceCall([2, 4, 5], { focal: { weight: 1, alpha: 2 } }),
    ],
  ],
  topology: [
    [
      'OPTION',
      "Expected 'count' or 'ignore' for unmatched.target but received 'diagonal'",
      bettiCall({ unmatched: { target: 'diagonal' } }),
    ],
    [
      'DTYPE',
      'Expected a tensor or { data, shape } for field but received a prepared target, which bettiMatching() alone takes, as its target',
      () => persistenceSync(prepareTargetSync(field) as Wrong),
    ],
  ],
};

for (const [about, cases] of Object.entries(mistakes)) {
  describe(about, () => {
    test.each(cases.map(([code, message, run]) => [message, code, run] as const))(
      '%s',
      (message, code, run) => {
        let error: Wrong;
        try {
          run();
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(CutlossError);
        expect([error.code, error.message]).toEqual([`ERR_CUTLOSS_${code}`, message]);
      },
    );
  });
}

test('a name that is nothing like any other gets no suggestion', () => {
  const run = call(inputs, { banana: 1 });
  expect(run).toThrow(
    expect.objectContaining({ details: { name: 'banana', known: expect.arrayContaining(['grads']) } }),
  );
});

test('a wrong CUTLOSS_DEVICE is told what it may be', async () => {
  const script = new URL('./hazards/children/first-call.mjs', import.meta.url);
  const { stderr } = await runChild(script, { env: { CUTLOSS_DEVICE: 'gpu' } });
  expect(stderr).toContain(
    "Expected 'auto', 'cpu', 'cuda' or 'cuda:<number>' for the environment variable CUTLOSS_DEVICE but received 'gpu'",
  );
});

test('a cloned tensor is recognised wherever a tensor goes', () => {
  const cloned: Tensor = structuredClone(logits);
  for (const run of [
    call({ logits, targets: cloned }),
    call(inputs, { upstream: cloned }),
    call(inputs, { grads: true, out: { logits: cloned } }),
  ])
    expect(run).toThrow(/loses its memory when it is cloned/);
});

test('what every object has is no option', () => {
  const everyObject = Object.prototype as Wrong;
  everyObject.reduction = 'sum';
  everyObject.weights = 3;
  try {
    expect(crossEntropySync(inputs, {}).loss).toBe(crossEntropySync(inputs).loss);
  } finally {
    delete everyObject.reduction;
    delete everyObject.weights;
  }
});
