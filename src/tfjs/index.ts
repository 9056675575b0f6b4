// cutloss/tfjs: losses for tfjs, on every backend. bind(tf) makes them of the tfjs that it is given.

import type { DType } from '../dtype.js';
import type { AnyLossOptions } from '../losses/any-loss.js';
import type { AsymmetricOptions } from '../losses/asymmetric.js';
import type { BettiMatchingOptions } from '../losses/betti-matching.js';
import type { GeneralizedDiceOptions } from '../losses/generalized-dice.js';
import type { LossOptions } from '../losses/loss.js';
import type { LovaszOptions } from '../losses/lovasz.js';
import type { RegionOptions } from '../losses/region-options.js';
import type { RowOptions } from '../losses/row-options.js';
import type { SelfAdjustingDiceOptions } from '../losses/self-adjusting-dice.js';
import type { SkeletonRecallOptions } from '../losses/skeleton-recall.js';
import type { SoftClDiceOptions } from '../losses/soft-cl-dice.js';
import type { TverskyOptions } from '../losses/tversky.js';
import type { Tensor } from '../tensor.js';
import { expected, isObject } from '../validate.js';
import type { TensorLike } from '../view.js';
import { bindLoss } from './call.js';
import { fromTf, toTf } from './convert.js';
import { Kernels } from './kernel.js';
import { bridgedLosses } from './losses.js';
import type { AnyTfjs, Tfjs } from './tf.js';

export type { AnyTfjs } from './tf.js';

/** The tensors of a tfjs module. */
export type TensorOf<Tf extends AnyTfjs> = ReturnType<Tf['tensor']>;
export type ScalarOf<Tf extends AnyTfjs> = ReturnType<Tf['scalar']>;

/** Options of a loss that tfjs drives: the bridge itself asks for gradients, and a tensor is all that it returns. */
export type TfOptions<Options, Differentiable extends string> = Omit<
  Options,
  Exclude<keyof LossOptions<string>, 'reduction' | 'device'> | 'outputs'
> & {
  /** The inputs that gradients flow to. Default: all that are differentiable; the others are constants. */
  grads?: readonly Differentiable[];
};

/** A constant that comes with the options: a tensor of tfjs, which must live as long as the loss is used, or values. */
export type Constant<T> = T | TensorLike | readonly number[];

/** With reduction 'none' a tensor of one loss per item, else a scalar. */
export type Loss<Tf extends AnyTfjs, Options, Arguments extends readonly unknown[]> = {
  (options: Options & { reduction: 'none' }): (...tensors: Arguments) => TensorOf<Tf>;
  (options?: Options): (...tensors: Arguments) => ScalarOf<Tf>;
};

type RowLossOptions<T, D extends string> = TfOptions<RowOptions & LossOptions<D>, D> & {
  weights?: Constant<T>;
  classWeights?: Constant<T>;
};

/**
 * A loss of regions: (yTrue, yPred, mask?). yTrue holds class ids of int32, or labels of each class (one-hot ones of any
 * dtype) of yPred's shape; yPred is [batch, ...space, classes].
 */
type RegionLoss<Tf extends AnyTfjs, Options> = Loss<
  Tf,
  TfOptions<Options, 'predictions'> & {
    mask?: Constant<TensorOf<Tf>>;
    classWeights?: Constant<TensorOf<Tf>>;
  },
  [yTrue: TensorOf<Tf>, yPred: TensorOf<Tf>, mask?: TensorOf<Tf>]
>;

/** What bind() makes. */
export interface Losses<Tf extends AnyTfjs> {
  /**
   * Softmax cross-entropy, or another objective, of logits: (yTrue, yPred, weights?). yTrue holds class ids of int32, or
   * probabilities (one-hot ones of any dtype) of the logits' shape, as model.fit() wants them.
   *
   * @example model.compile({ optimizer: 'adam', loss: losses.crossEntropy() });
   */
  crossEntropy: Loss<
    Tf,
    RowLossOptions<TensorOf<Tf>, 'logits'>,
    [yTrue: TensorOf<Tf>, yPred: TensorOf<Tf>, weights?: TensorOf<Tf>]
  >;
  /**
   * Cross-entropy of the logits hidden · classifierᵀ + bias, which are never built: (hidden, classifier, targets, bias?,
   * weights?). targets are class ids of int32.
   *
   * @example optimizer.minimize(() => losses.cutCrossEntropy()(body(tokens), classifier, nextTokens));
   */
  cutCrossEntropy: Loss<
    Tf,
    RowLossOptions<TensorOf<Tf>, 'hidden' | 'classifier' | 'bias'>,
    [
      hidden: TensorOf<Tf>,
      classifier: TensorOf<Tf>,
      targets: TensorOf<Tf>,
      bias?: TensorOf<Tf>,
      weights?: TensorOf<Tf>,
    ]
  >;
  /**
   * Betti matching of scalar fields [batch, …space]: (yTrue, yPred).
   *
   * @example const loss = tf.add(losses.dice()(yTrue, yPred), losses.bettiMatching()(fields, predictedFields));
   */
  bettiMatching: Loss<
    Tf,
    TfOptions<BettiMatchingOptions, 'prediction'>,
    [yTrue: TensorOf<Tf>, yPred: TensorOf<Tf>]
  >;
  /** @example model.compile({ optimizer: 'adam', loss: losses.dice({ crossEntropy: 1 }) }); */
  dice: RegionLoss<Tf, RegionOptions & LossOptions<'predictions'>>;
  jaccard: RegionLoss<Tf, RegionOptions & LossOptions<'predictions'>>;
  tversky: RegionLoss<Tf, TverskyOptions>;
  generalizedDice: RegionLoss<Tf, GeneralizedDiceOptions>;
  selfAdjustingDice: RegionLoss<Tf, SelfAdjustingDiceOptions>;
  anyLoss: RegionLoss<Tf, AnyLossOptions>;
  asymmetric: RegionLoss<Tf, AsymmetricOptions>;
  lovasz: RegionLoss<Tf, LovaszOptions>;
  softClDice: RegionLoss<Tf, SoftClDiceOptions>;
  skeletonRecall: RegionLoss<Tf, SkeletonRecallOptions>;
  /** A tensor of tfjs as one of ours: on the cpu backend over the same memory, elsewhere a copy. */
  fromTf(tensor: TensorOf<Tf>): Tensor<'float32' | 'int32' | 'bool'>;
  /** A tensor of ours as one of tfjs: over the same memory where the backend takes it, of a dtype that tfjs has. */
  toTf(tensor: Tensor<DType>): TensorOf<Tf>;
}

/**
 * The losses for this tfjs. They work in model.compile({ loss }), in optimizer.minimize() and wherever tfjs takes
 * gradients, with whatever backend is set at the time of the call.
 *
 * @example
 * import * as tf from '@tensorflow/tfjs-node';
 * import { bind } from 'cutloss/tfjs';
 * const losses = bind(tf);
 */
export function bind<Tf extends AnyTfjs>(module: Tf): Losses<Tf> {
  const tf = readTfjs(module);
  const kernels = new Kernels(tf);
  const bound = Object.entries(bridgedLosses).map(([name, entry]) => [
    name,
    bindLoss(tf, kernels, name, entry),
  ]);
  return { ...Object.fromEntries(bound), fromTf, toTf: (tensor: Tensor) => toTf(tf, tensor) };
}

/** tfjs itself, or the module that an import of it gives where names are not found. */
function readTfjs(value: unknown): Tfjs {
  for (const module of [value, (value as { default?: unknown } | undefined)?.default]) {
    if (isObject(module) && 'customGrad' in module && 'registerKernel' in module)
      return module as unknown as Tfjs;
  }
  const advice = "import * as tf from '@tensorflow/tfjs-node', or @tensorflow/tfjs";
  throw expected('ERR_CUTLOSS_OPTION', 'a tfjs module', 'tf', value, advice);
}
