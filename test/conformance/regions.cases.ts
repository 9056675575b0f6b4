// The cases of the losses of regions, as data: sizes around vectors and tiles, every index and option, what empty and
// ignored regions do. Each runs in both layouts, in every dtype, on every backend.

import type { Kind, RegionOptions } from '../reference/regions.js';

export interface RegionCase {
  readonly name: string;
  readonly loss: Kind;
  readonly shape: readonly number[]; // [batch, ...space, classes]
  readonly spread?: number; // of the logits; default 2
  readonly around?: number;
  readonly targets?: 'ids' | 'oneHot' | 'soft' | 'firstClassOnly';
  readonly ids?: 'int32' | 'int64' | 'uint8';
  readonly labels?: 'uint8' | 'bool' | 'int32' | 'float32' | 'float16' | 'bfloat16'; // default: of predictions
  readonly someIgnored?: boolean; // with ignoreIndex among the options
  readonly mask?: 'weights' | 'binary' | 'bytes' | 'zero';
  readonly classWeights?: boolean;
  readonly upstream?: number | 'each';
  readonly options?: RegionOptions;
  readonly seed?: number;
}

const dice = { loss: 'dice', shape: [2, 5, 7, 4] } as const;

const sizes: RegionCase[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 19, 33, 130].map((classes) => ({
    name: `${classes} classes`,
    loss: 'dice' as const,
    shape: [2, 6, 7, classes],
  })),
  ...[1, 2, 3, 5, 17].map((classes) => ({
    name: `${classes} classes of many pixels`,
    loss: 'dice' as const,
    shape: [2, 23, 31, classes],
  })),
  ...[1, 15, 16, 17, 63, 64, 65, 1023, 1025].map((pixels) => ({
    name: `${pixels} pixels`,
    loss: 'dice' as const,
    shape: [2, pixels, 3],
  })),
  { name: 'no space at all', loss: 'dice', shape: [9, 5] },
  { name: 'no space at all, over class', loss: 'dice', shape: [90, 5], options: { over: 'class' } },
  { name: 'three dimensions', loss: 'dice', shape: [2, 5, 4, 6, 3] },
  { name: 'several stretches of an image', loss: 'dice', shape: [1, 300, 301, 5] },
  { name: 'several stretches, over all', loss: 'dice', shape: [3, 150, 151, 5], options: { over: 'all' } },
  { name: 'many images', loss: 'dice', shape: [70, 4, 3, 2] },
  { name: 'batch 0', loss: 'dice', shape: [0, 4, 3] },
  { name: 'no pixels', loss: 'dice', shape: [2, 0, 3] },
];

const predictions: RegionCase[] = [
  { ...dice, name: 'wide logits', spread: 40 },
  { ...dice, name: 'logits far from zero', around: 300 },
  { ...dice, name: 'logits far below zero', around: -300 },
  { ...dice, name: 'wide logits with terms', spread: 40, options: { crossEntropy: 1, focal: { weight: 1 } } },
  ...(['sigmoid', 'none'] as const).flatMap((activation): RegionCase[] => [
    { ...dice, name: activation, options: { activation } },
    {
      ...dice,
      name: `${activation}, one class`,
      shape: [2, 40, 1],
      targets: 'oneHot',
      options: { activation },
    },
    { ...dice, name: `${activation}, masked`, mask: 'binary', options: { activation, squared: true } },
  ]),
  { ...dice, name: 'sigmoid, wide', spread: 40, options: { activation: 'sigmoid', crossEntropy: 1 } },
];

const targets: RegionCase[] = [
  { ...dice, name: 'int64 ids', ids: 'int64' },
  { ...dice, name: 'uint8 ids', ids: 'uint8' },
  ...(['uint8', 'bool', 'int32', 'float32', 'float16', 'bfloat16'] as const).map(
    (labels): RegionCase => ({ ...dice, name: `one-hot of ${labels}`, targets: 'oneHot', labels }),
  ),
  { ...dice, name: 'soft labels', targets: 'soft' },
  { ...dice, name: 'soft labels, squared', targets: 'soft', options: { squared: true } },
  { ...dice, name: 'soft labels, l1', targets: 'soft', options: { labels: 'l1' } },
  {
    ...dice,
    name: 'soft labels, sigmoid',
    targets: 'soft',
    options: { activation: 'sigmoid', crossEntropy: 0.5 },
  },
  {
    ...dice,
    name: 'soft labels with terms',
    targets: 'soft',
    options: { crossEntropy: 0.5, focal: { weight: 0.5, alpha: 0.3 } },
  },
];

const weights: RegionCase[] = [
  ...(['weights', 'binary', 'bytes', 'zero'] as const).flatMap((mask): RegionCase[] => [
    { ...dice, name: `mask of ${mask}`, mask },
    { ...dice, name: `mask of ${mask}, soft`, mask, targets: 'soft', options: { crossEntropy: 1 } },
    {
      ...dice,
      name: `mask of ${mask}, with terms`,
      mask,
      options: { crossEntropy: 1, focal: { weight: 2 } },
    },
  ]),
  { ...dice, name: 'ignoreIndex 255', ids: 'uint8', someIgnored: true, options: { ignoreIndex: 255 } },
  { ...dice, name: 'ignoreIndex inside the classes', options: { ignoreIndex: 2, crossEntropy: 1 } },
  {
    ...dice,
    name: 'ignoreIndex and mask',
    someIgnored: true,
    mask: 'weights',
    options: { ignoreIndex: -100 },
  },
  { ...dice, name: 'class weights', classWeights: true },
  { ...dice, name: 'class weights, sum', classWeights: true, options: { reduction: 'sum' } },
  { ...dice, name: 'class weights over image', classWeights: true, options: { over: 'image' } },
  {
    ...dice,
    name: 'the weight of an only class over image',
    shape: [2, 5, 7, 1],
    targets: 'oneHot',
    classWeights: true,
    options: { over: 'image', activation: 'sigmoid', smooth: 1 },
  },
  {
    ...dice,
    name: 'class weights over all, no background',
    classWeights: true,
    options: { over: 'all', background: false },
  },
];

const options: RegionCase[] = [
  ...(['imageClass', 'class', 'image', 'all'] as const).flatMap((over): RegionCase[] => [
    { ...dice, name: `over ${over}`, options: { over } },
    { ...dice, name: `over ${over}, none`, upstream: 'each', options: { over, reduction: 'none' } },
    { ...dice, name: `over ${over}, no background`, options: { over, background: false, crossEntropy: 1 } },
  ]),
  { ...dice, name: 'sum', options: { reduction: 'sum' } },
  { ...dice, name: 'upstream', upstream: -3 },
  { ...dice, name: 'none with terms', upstream: 'each', options: { reduction: 'none', crossEntropy: 1 } },
  { ...dice, name: 'smooth 0', options: { smooth: 0 } },
  { ...dice, name: 'smooth apart', options: { smooth: { numerator: 1, denominator: 2 } } },
  { ...dice, name: 'squared', options: { squared: true } },
  { ...dice, name: 'l1', options: { labels: 'l1' } },
  { ...dice, name: 'l1, log', options: { labels: 'l1', log: true } },
  { ...dice, name: 'l1, absent', targets: 'firstClassOnly', options: { labels: 'l1', log: true } },
  { ...dice, name: 'exponent 0.75', options: { exponent: 0.75 } },
  { ...dice, name: 'exponent 2', options: { exponent: 2 } },
  { ...dice, name: 'log', options: { log: true } },
  { ...dice, name: 'log, exponent 2', options: { log: true, exponent: 2 } },
  ...(['count', 'zero', 'drop'] as const).map(
    (absent): RegionCase => ({
      ...dice,
      name: `absent: ${absent}`,
      targets: 'firstClassOnly',
      classWeights: true,
      options: { absent },
    }),
  ),
];

const terms: RegionCase[] = [
  { ...dice, name: 'cross-entropy', options: { crossEntropy: 1 } },
  {
    ...dice,
    name: 'cross-entropy of pixels that are sure, right or wrong',
    shape: [1, 40, 50, 5],
    spread: 9,
    options: { crossEntropy: 1, ignoreIndex: 3 },
  },
  { ...dice, name: 'cross-entropy over image', options: { crossEntropy: -0.5, over: 'image' } },
  { ...dice, name: 'focal', options: { focal: { weight: 1 } } },
  {
    ...dice,
    name: 'focal with everything',
    options: { focal: { weight: 2, gamma: 1.5, alpha: 0.25 }, crossEntropy: 1 },
  },
  { ...dice, name: 'focal, gamma 0', options: { focal: { weight: 2, gamma: 0 } } },
  ...[1, 2, 3, 4, 7, 19].map(
    (classes): RegionCase => ({
      ...dice,
      name: `sigmoid cross-entropy, ${classes} classes of many pixels`,
      shape: [2, 23, 31, classes],
      options: { activation: 'sigmoid', crossEntropy: 1 },
    }),
  ),
  ...(['weights', 'binary', 'bytes', 'zero'] as const).map(
    (mask): RegionCase => ({
      ...dice,
      name: `sigmoid cross-entropy, mask of ${mask}`,
      shape: [1, 19, 23, 5],
      mask,
      options: { activation: 'sigmoid', crossEntropy: 1 },
    }),
  ),
  {
    ...dice,
    name: 'sigmoid cross-entropy of pixels that are sure, right or wrong',
    shape: [1, 40, 50, 5],
    spread: 9,
    someIgnored: true,
    options: { activation: 'sigmoid', crossEntropy: 1, ignoreIndex: 255 },
  },
  {
    ...dice,
    name: 'sigmoid cross-entropy of pixels that are all sure and right',
    shape: [1, 40, 50, 1],
    spread: 0.5,
    around: 30,
    options: { activation: 'sigmoid', crossEntropy: 1e15 },
  },
  {
    ...dice,
    name: 'sigmoid cross-entropy, no background',
    shape: [1, 19, 23, 5],
    options: { activation: 'sigmoid', crossEntropy: 1, background: false },
  },
  ...(['oneHot', 'soft'] as const).map(
    (targets): RegionCase => ({
      ...dice,
      name: `sigmoid cross-entropy, ${targets}`,
      shape: [1, 19, 23, 5],
      targets,
      mask: 'weights',
      options: { activation: 'sigmoid', crossEntropy: 1, background: false },
    }),
  ),
  ...[0, 1, 2.5].map(
    (gamma): RegionCase => ({
      ...dice,
      name: `sigmoid focal, gamma ${gamma}`,
      options: { activation: 'sigmoid', focal: { weight: 1, gamma, alpha: 0.25 } },
    }),
  ),
];

const others: RegionCase[] = (
  ['jaccard', 'tversky', 'generalizedDice', 'selfAdjustingDice'] as const
).flatMap((loss): RegionCase[] => [
  { ...dice, loss, name: loss },
  { ...dice, loss, name: `${loss}, soft`, targets: 'soft', options: { squared: true } },
  { ...dice, loss, name: `${loss}, over class`, options: { over: 'class', crossEntropy: 1 } },
  { ...dice, loss, name: `${loss}, sigmoid`, mask: 'weights', options: { activation: 'sigmoid' } },
  { ...dice, loss, name: `${loss}, absent`, targets: 'firstClassOnly' },
  { ...dice, loss, name: `${loss}, l1`, targets: 'soft', options: { labels: 'l1' } },
]);

const own: RegionCase[] = [
  { ...dice, loss: 'tversky', name: 'tversky 0.3, 0.7', options: { alpha: 0.3, beta: 0.7 } },
  { ...dice, loss: 'tversky', name: 'focal tversky', options: { alpha: 0.7, beta: 0.3, exponent: 4 / 3 } },
  ...(['square', 'simple', 'uniform'] as const).flatMap((weighting): RegionCase[] => [
    { ...dice, loss: 'generalizedDice', name: `generalizedDice ${weighting}`, options: { weighting } },
    {
      ...dice,
      loss: 'generalizedDice',
      name: `generalizedDice ${weighting}, all`,
      classWeights: true,
      options: { weighting, over: 'all' },
    },
    {
      ...dice,
      loss: 'generalizedDice',
      name: `generalizedDice ${weighting}, imageClass`,
      options: { weighting, over: 'imageClass' },
    },
  ]),
  ...[0, 0.5, 2].map(
    (alpha): RegionCase => ({
      ...dice,
      loss: 'selfAdjustingDice',
      name: `selfAdjustingDice ${alpha}`,
      options: { alpha },
    }),
  ),
  ...(['fBeta', 'accuracy', 'balancedAccuracy', 'gMean', 'mcc'] as const).flatMap((metric): RegionCase[] => [
    { ...dice, loss: 'anyLoss', name: `anyLoss ${metric}`, targets: 'oneHot', options: { metric } },
    {
      ...dice,
      loss: 'anyLoss',
      name: `anyLoss ${metric}, softmax`,
      options: { metric, activation: 'softmax', amplify: 5 },
    },
  ]),
  { ...dice, loss: 'anyLoss', name: 'anyLoss F2', shape: [60, 1], targets: 'oneHot', options: { beta: 2 } },
  { ...dice, loss: 'asymmetric', name: 'asymmetric', targets: 'oneHot', labels: 'uint8' },
  {
    ...dice,
    loss: 'asymmetric',
    name: 'asymmetric of rows',
    shape: [30, 20],
    targets: 'oneHot',
    upstream: 'each',
    options: { reduction: 'none' },
  },
  {
    ...dice,
    loss: 'asymmetric',
    name: 'asymmetric, sum',
    mask: 'binary',
    options: { reduction: 'sum', margin: 0, gammaNegative: 2, gammaPositive: 0 },
  },
];

const lovasz = { loss: 'lovasz', shape: [2, 5, 7, 4] } as const;

/** Errors must not be equal but for rounding: where they are, an engine may take either first. */
const lovaszCases: RegionCase[] = [
  { ...lovasz, name: 'lovasz' },
  { ...lovasz, name: 'lovasz, classes all', targets: 'firstClassOnly', options: { classes: 'all' } },
  { ...lovasz, name: 'lovasz, classes present', targets: 'firstClassOnly', options: { classes: 'present' } },
  ...(['class', 'image', 'all'] as const).map(
    (over): RegionCase => ({
      ...lovasz,
      name: `lovasz over ${over}, weighted`,
      shape: [3, 23, 3],
      mask: 'weights',
      classWeights: true,
      upstream: 'each',
      options: { over, reduction: 'none', background: false },
    }),
  ),
  { ...lovasz, name: 'lovasz over all', options: { over: 'all' } },
  { ...lovasz, name: 'lovasz, one-hot', targets: 'oneHot', labels: 'uint8' },
  { ...lovasz, name: 'lovasz, soft labels', targets: 'soft', mask: 'binary' },
  {
    ...lovasz,
    name: 'lovasz, sigmoid',
    shape: [2, 40, 1],
    targets: 'oneHot',
    options: { activation: 'sigmoid' },
  },
  { ...lovasz, name: 'lovasz, none', shape: [2, 20, 3], options: { activation: 'none' } },
  {
    ...lovasz,
    name: 'lovasz, ignored pixels and terms',
    someIgnored: true,
    options: { ignoreIndex: 255, crossEntropy: 1, focal: { weight: 0.5 } },
  },
  { ...lovasz, name: 'lovasz, squared loss', upstream: -2, options: { exponent: 2 } },
  { ...lovasz, name: 'lovasz, log', options: { log: true, reduction: 'sum' } },
  { ...lovasz, name: 'lovasz, sure predictions', spread: 5 },
  { ...lovasz, name: 'lovasz, no pixels', shape: [2, 0, 3] },
];

const clDice = { loss: 'softClDice', shape: [2, 7, 9, 3] } as const;

const clDiceCases: RegionCase[] = [
  { ...clDice, name: 'softClDice' },
  { ...clDice, name: 'softClDice, 3-D', shape: [1, 4, 5, 6, 2], targets: 'soft' },
  { ...clDice, name: 'softClDice with Dice', options: { weight: 0.5, background: false } },
  { ...clDice, name: 'softClDice, 5 iterations', options: { iterations: 5 } },
  {
    ...clDice,
    name: 'softClDice, 1 iteration, masked',
    mask: 'weights',
    options: { iterations: 1, weight: 0.3, squared: true },
  },
  ...(['class', 'image', 'all'] as const).map(
    (over): RegionCase => ({
      ...clDice,
      name: `softClDice over ${over}, weighted`,
      mask: 'binary',
      classWeights: true,
      upstream: 'each',
      options: { over, reduction: 'none', crossEntropy: 0.5 },
    }),
  ),
  {
    ...clDice,
    name: 'softClDice, sigmoid, one class',
    shape: [2, 9, 8, 1],
    targets: 'oneHot',
    options: { activation: 'sigmoid', iterations: 0 },
  },
  {
    ...clDice,
    name: 'softClDice, lines of one pixel',
    shape: [1, 1, 6, 2],
    someIgnored: true,
    options: { ignoreIndex: 255 },
  },
  {
    ...clDice,
    name: 'softClDice, absent',
    targets: 'firstClassOnly',
    options: { absent: 'drop', smooth: 1 },
  },
  { ...clDice, name: 'softClDice, no pixels', shape: [2, 0, 4, 3] },
];

const recall = { loss: 'skeletonRecall', shape: [2, 9, 11, 3] } as const;

const recallCases: RegionCase[] = [
  { ...recall, name: 'skeletonRecall' },
  { ...recall, name: 'skeletonRecall, 3-D', shape: [2, 4, 5, 6, 2], targets: 'soft', options: { tube: 0 } },
  { ...recall, name: 'skeletonRecall, tube of 1', mask: 'binary', options: { tube: 1, crossEntropy: 1 } },
  {
    ...recall,
    name: 'skeletonRecall over all, weighted',
    mask: 'weights',
    classWeights: true,
    options: { tube: 1, over: 'all', background: true },
  },
  {
    ...recall,
    name: 'skeletonRecall over class, ignored pixels',
    someIgnored: true,
    upstream: 'each',
    options: { tube: 0, over: 'class', reduction: 'none', ignoreIndex: 255, smooth: 1 },
  },
  {
    ...recall,
    name: 'skeletonRecall, sigmoid, one class',
    shape: [2, 10, 9, 1],
    targets: 'soft',
    options: { activation: 'sigmoid', log: true },
  },
  { ...recall, name: 'skeletonRecall, no foreground', targets: 'firstClassOnly', options: { smooth: 0 } },
];

/** What works on moments alone has no case: regions.special.test.ts takes them apart and together. */
export const operationsOnMoments: readonly string[] = ['regionLoss', 'regionMoments'];

export const regionCases: readonly RegionCase[] = [
  ...sizes,
  ...predictions,
  ...targets,
  ...weights,
  ...options,
  ...terms,
  ...others,
  ...own,
  ...lovaszCases,
  ...clDiceCases,
  ...recallCases,
];
