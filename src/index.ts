// The public surface of cutloss: what is exported here is the contract, and nothing else is.

export type { NestedNumbers } from './create.js';
export { tensor, zeros } from './create.js';
export type { Device, DeviceInfo } from './devices.js';
export { devices, memory, setDevice, setThreads } from './devices.js';
export type { DataOf, DType, TypedArray } from './dtype.js';
export type { ErrorCode } from './errors.js';
export { CutlossError } from './errors.js';
export { fromBFloat16, fromFloat16, toBFloat16, toFloat16 } from './float16.js';
export type { AnyLossOptions } from './losses/any-loss.js';
export { anyLoss, anyLossSync } from './losses/any-loss.js';
export type { AsymmetricOptions } from './losses/asymmetric.js';
export { asymmetric, asymmetricSync } from './losses/asymmetric.js';
export type { ObjectiveFunction } from './losses/batch-objectives.js';
export type {
  BettiMatch,
  BettiMatchingInputs,
  BettiMatchingOptions,
  BettiMatchingResult,
  Representatives,
} from './losses/betti-matching.js';
export { bettiMatching, bettiMatchingSync } from './losses/betti-matching.js';
export { bettiMatchingError, bettiMatchingErrorSync } from './losses/betti-matching-error.js';
export { bettiNumberError, bettiNumberErrorSync } from './losses/betti-number-error.js';
export { bettiNumbers, bettiNumbersSync } from './losses/betti-numbers.js';
export type { LogitInputs } from './losses/cross-entropy.js';
export { crossEntropy, crossEntropySync } from './losses/cross-entropy.js';
export type { CutInputs } from './losses/cut-cross-entropy.js';
export { cutCrossEntropy, cutCrossEntropySync } from './losses/cut-cross-entropy.js';
export { dice, diceSync } from './losses/dice.js';
export type { GeneralizedDiceOptions } from './losses/generalized-dice.js';
export { generalizedDice, generalizedDiceSync } from './losses/generalized-dice.js';
export { jaccard, jaccardSync } from './losses/jaccard.js';
export type { LossOptions, LossResult, Reduction, RunOptions } from './losses/loss.js';
export type { LovaszOptions } from './losses/lovasz.js';
export { lovasz, lovaszSync } from './losses/lovasz.js';
export type { RowObjective } from './losses/objectives.js';
export { persistence, persistenceSync } from './losses/persistence.js';
export type { PrepareTargetOptions } from './losses/prepare-target.js';
export { PreparedTarget, prepareTarget, prepareTargetSync } from './losses/prepare-target.js';
export type { RegionLossKind, RegionLossOptions } from './losses/region-loss.js';
export { regionLoss, regionLossSync } from './losses/region-loss.js';
export { regionMoments, regionMomentsSync } from './losses/region-moments.js';
export type { RegionInputs, RegionMoments, RegionOptions, RegionResult } from './losses/region-options.js';
export type { GradientFilter, RowOptions, RowOutput, RowResult } from './losses/row-options.js';
export type { SelfAdjustingDiceOptions } from './losses/self-adjusting-dice.js';
export { selfAdjustingDice, selfAdjustingDiceSync } from './losses/self-adjusting-dice.js';
export type { SkeletonRecallOptions } from './losses/skeleton-recall.js';
export { skeletonRecall, skeletonRecallSync } from './losses/skeleton-recall.js';
export type { SoftClDiceOptions } from './losses/soft-cl-dice.js';
export { softClDice, softClDiceSync } from './losses/soft-cl-dice.js';
export type {
  Bars,
  FieldOptions,
  FieldPair,
  ThresholdOptions,
  TopologyOptions,
} from './losses/topology-options.js';
export type { TverskyOptions } from './losses/tversky.js';
export { tversky, tverskySync } from './losses/tversky.js';
export { Tensor } from './tensor.js';
export type { Versions } from './versions.js';
export { versions } from './versions.js';
export type { TensorLike } from './view.js';
