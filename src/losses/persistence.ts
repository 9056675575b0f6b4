// persistence: the bars of fields. See docs/topology.md.

import { defineOptions } from '../options.js';
import { runAsync, runSync, type Steps } from '../run.js';
import type { TensorLike } from '../view.js';
import { BarOutputs, byItem, persistenceOperation } from './topology-operations.js';
import {
  type Bars,
  type FieldOptions,
  fieldBatch,
  fieldOptions,
  placeOfFields,
  readField,
} from './topology-options.js';

/**
 * Persistent homology of scalar fields: how long each component, loop and cavity lasts while voxels appear in the order
 * of their values. Bars by item and dimension; those of dimensions that were not asked for are empty.
 *
 * @example
 * const [[components, loops]] = await persistence(tensor(image, [1, height, width]));
 */
export function persistence(field: TensorLike, options?: FieldOptions): Promise<Bars[][]> {
  return runAsync(persistenceSteps(field, options), persistence);
}

/** persistence(), blocking. */
export function persistenceSync(field: TensorLike, options?: FieldOptions): Bars[][] {
  return runSync(persistenceSteps(field, options), persistenceSync);
}

const parseOptions = defineOptions('option of persistence', fieldOptions);

function* persistenceSteps(value: unknown, options: unknown): Steps<Bars[][]> {
  const o = parseOptions(options);
  const field = readField(value, 'field');
  const batch = fieldBatch(field, o);
  const place = placeOfFields([field], o);
  const found = new BarOutputs(batch, field.device);
  try {
    const { birth, death, birthIndex, deathIndex, counts } = found;
    yield persistenceOperation.job(
      place,
      { field, birth, death, birthIndex, deathIndex, counts },
      { ...batch.parameters, capacity: batch.mostBars },
    );
    return byItem(batch, (item, dimension) => found.bars(item, dimension));
  } finally {
    found.dispose();
  }
}
