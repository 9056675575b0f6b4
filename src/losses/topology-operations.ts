// The operations of engine/topology.h by their names, and bars as they come from them: in stretches of one length, of
// which a count says how much is filled.

import { Operation } from '../operation.js';
import type { Tensor } from '../tensor.js';
import { output } from './loss.js';
import { type Bars, batchParameters, type FieldBatch } from './topology-options.js';

type BatchParameter = (typeof batchParameters)[number];

/** Sweeps, sorts and reductions take this many nanoseconds per voxel and more. */
const cost = 200;

const persistenceViews = ['field', 'birth', 'death', 'birthIndex', 'deathIndex', 'counts'] as const;
export const persistenceOperation: Operation<
  (typeof persistenceViews)[number],
  BatchParameter | 'capacity',
  never
> = new Operation(
  'persistence',
  { views: persistenceViews, parameters: [...batchParameters, 'capacity'], results: [] },
  cost,
);

const prepareTargetViews = ['target', 'prepared'] as const;
export const prepareTargetOperation: Operation<
  (typeof prepareTargetViews)[number],
  BatchParameter | 'capacity',
  'words'
> = new Operation(
  'prepareTarget',
  { views: prepareTargetViews, parameters: [...batchParameters, 'capacity'], results: ['words'] },
  cost,
);

const matchingViews = [
  'prediction',
  'target',
  'prepared',
  'upstream',
  'gradient',
  'perItem',
  'errors',
  'predictionBirth',
  'predictionDeath',
  'predictionBirthIndex',
  'predictionDeathIndex',
  'predictionCounts',
  'targetBirth',
  'targetDeath',
  'targetBirthIndex',
  'targetDeathIndex',
  'targetCounts',
  'partner',
] as const;
const matchingOptions = [
  'capacity',
  'sigmoid',
  'unmatchedPrediction',
  'unmatchedTarget',
  'minPersistence',
  'reduction',
  'upstreamScale',
] as const;
export const matchingOperation: Operation<
  (typeof matchingViews)[number],
  BatchParameter | (typeof matchingOptions)[number],
  'loss'
> = new Operation(
  'matching',
  { views: matchingViews, parameters: [...batchParameters, ...matchingOptions], results: ['loss'] },
  cost,
);

const bettiNumbersViews = ['field', 'numbers'] as const;
export const bettiNumbersOperation: Operation<(typeof bettiNumbersViews)[number], BatchParameter, never> =
  new Operation('bettiNumbers', { views: bettiNumbersViews, parameters: batchParameters, results: [] }, cost);

/** Room for the bars of one field, and the bars once they are there. */
export class BarOutputs {
  readonly birth: Tensor<'float32'>;
  readonly death: Tensor<'float32'>;
  readonly birthIndex: Tensor<'int32'>;
  readonly deathIndex: Tensor<'int32'>;
  readonly counts: Tensor<'int32'>;
  readonly #batch: FieldBatch;

  constructor(batch: FieldBatch, home: number) {
    const { items, axes, mostBars } = batch;
    const shape = [items, axes, mostBars];
    this.#batch = batch;
    this.birth = output('float32', shape, home, 'birth');
    this.death = output('float32', shape, home, 'death');
    this.birthIndex = output('int32', shape, home, 'birthIndex');
    this.deathIndex = output('int32', shape, home, 'deathIndex');
    this.counts = output('int32', [items, axes], home, 'counts');
  }

  count(item: number, dimension: number): number {
    return this.counts.dataSync()[item * this.#batch.axes + dimension] as number;
  }

  /** The bars of one item and dimension: all of them, or those at the given places. */
  bars(item: number, dimension: number, places?: readonly number[]): Bars {
    const { axes, mostBars } = this.#batch;
    const begin = (item * axes + dimension) * mostBars;
    const end = begin + this.count(item, dimension);
    const pick = <T extends Float32Array | Int32Array>(all: T): T => {
      const stretch = all.subarray(begin, end);
      return (places === undefined ? stretch.slice() : select(stretch, places)) as T;
    };
    return {
      birth: pick(this.birth.dataSync()),
      death: pick(this.death.dataSync()),
      birthIndex: pick(this.birthIndex.dataSync()),
      deathIndex: pick(this.deathIndex.dataSync()),
    };
  }

  dispose(): void {
    for (const tensor of [this.birth, this.death, this.birthIndex, this.deathIndex, this.counts])
      tensor.dispose();
  }
}

function select<T extends Float32Array | Int32Array>(all: T, places: readonly number[]): T {
  const chosen = all.slice(0, places.length) as T;
  for (let i = 0; i < places.length; i++) chosen[i] = all[places[i] as number] as number;
  return chosen;
}

/** A value for every item and dimension. */
export function byItem<T>({ items, axes }: FieldBatch, make: (item: number, dimension: number) => T): T[][] {
  return Array.from({ length: items }, (_, item) =>
    Array.from({ length: axes }, (_, dimension) => make(item, dimension)),
  );
}
