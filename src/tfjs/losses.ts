// The losses that tfjs gets, a line each: which tensors they are called with, in the order of tfjs, and which of these
// gradients flow to. Everything else about a loss is the loss's own.

import { anyLossSync } from '../losses/any-loss.js';
import { asymmetricSync } from '../losses/asymmetric.js';
import { bettiMatchingSync } from '../losses/betti-matching.js';
import { crossEntropySync } from '../losses/cross-entropy.js';
import { cutCrossEntropySync } from '../losses/cut-cross-entropy.js';
import { diceSync } from '../losses/dice.js';
import { generalizedDiceSync } from '../losses/generalized-dice.js';
import { jaccardSync } from '../losses/jaccard.js';
import { lovaszSync } from '../losses/lovasz.js';
import { selfAdjustingDiceSync } from '../losses/self-adjusting-dice.js';
import { skeletonRecallSync } from '../losses/skeleton-recall.js';
import { softClDiceSync } from '../losses/soft-cl-dice.js';
import { tverskySync } from '../losses/tversky.js';
import type { BlockingLoss } from './kernel.js';

export interface BridgedLoss {
  readonly loss: BlockingLoss;
  /** The inputs by the names of the loss, in the order of the call. */
  readonly inputs: readonly string[];
  /** How many of them there must be. */
  readonly required: number;
  readonly differentiable: readonly string[];
  /** Inputs that may come with the options instead: they are constants, or seldom change. */
  readonly constants: readonly string[];
  /** The labels, and what they are the labels of. */
  readonly labels: readonly [name: string, of: string];
  /** Whether labels may be class ids, of the other's shape without its last axis. */
  readonly ids: boolean;
}

/** What reaches a loss was checked by its own readers, as everywhere. */
const blocking = (loss: unknown): BlockingLoss => loss as BlockingLoss;

const ofRegions = (loss: unknown, ...constants: string[]): BridgedLoss => ({
  loss: blocking(loss),
  inputs: ['targets', 'predictions', 'mask'],
  required: 2,
  differentiable: ['predictions'],
  constants: ['mask', ...constants],
  labels: ['targets', 'predictions'],
  ids: true,
});

export const bridgedLosses: Readonly<Record<string, BridgedLoss>> = {
  crossEntropy: {
    loss: blocking(crossEntropySync),
    inputs: ['targets', 'logits', 'weights'],
    required: 2,
    differentiable: ['logits'],
    constants: ['weights', 'classWeights'],
    labels: ['targets', 'logits'],
    ids: true,
  },
  cutCrossEntropy: {
    loss: blocking(cutCrossEntropySync),
    inputs: ['hidden', 'classifier', 'targets', 'bias', 'weights'],
    required: 3,
    differentiable: ['hidden', 'classifier', 'bias'],
    constants: ['weights', 'classWeights'],
    labels: ['targets', 'hidden'],
    ids: true,
  },
  bettiMatching: {
    loss: blocking(bettiMatchingSync),
    inputs: ['target', 'prediction'],
    required: 2,
    differentiable: ['prediction'],
    constants: [],
    labels: ['target', 'prediction'],
    ids: false,
  },
  dice: ofRegions(diceSync, 'classWeights'),
  jaccard: ofRegions(jaccardSync, 'classWeights'),
  tversky: ofRegions(tverskySync, 'classWeights'),
  generalizedDice: ofRegions(generalizedDiceSync, 'classWeights'),
  selfAdjustingDice: ofRegions(selfAdjustingDiceSync, 'classWeights'),
  anyLoss: ofRegions(anyLossSync, 'classWeights'),
  asymmetric: ofRegions(asymmetricSync),
  lovasz: ofRegions(lovaszSync, 'classWeights'),
  softClDice: ofRegions(softClDiceSync, 'classWeights'),
  skeletonRecall: ofRegions(skeletonRecallSync, 'classWeights'),
};
