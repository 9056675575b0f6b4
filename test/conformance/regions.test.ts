// The losses of regions against the float64 reference: the cases of regions.cases.ts in their layouts and dtypes, on the
// backend this process was started for; which it runs, selection.ts says. The tolerance is that of tolerance.ts. An
// element of a gradient is a difference, p (g - mean of g), computed in float32 whatever its dtype: that error is
// measured against the sizes of what is subtracted, as float32 rounds them, and a 16-bit element is rounded once more.

import {
  anyLossSync,
  asymmetricSync,
  diceSync,
  generalizedDiceSync,
  jaccardSync,
  lovaszSync,
  type RegionInputs as PublicInputs,
  type RegionResult as PublicResult,
  selfAdjustingDiceSync,
  skeletonRecallSync,
  softClDiceSync,
  type Tensor,
  tverskySync,
} from 'cutloss';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RegionInputs, type RegionResult, regionLoss } from '../reference/regions.js';
import { backend } from '../support/backends.js';
import { decode, encode, type FloatDType, floatDTypes, halfUlp } from '../support/dtypes.js';
import { expectBackend } from '../support/expect-backend.js';
import { random } from '../support/random.js';
import { runsOf } from '../support/selection.js';
import { type RegionCase, regionCases } from './regions.cases.js';
import { expectRounded, expectScalar } from './tolerance.js';

const losses: Readonly<Record<string, (inputs: PublicInputs, options: object) => PublicResult>> = {
  anyLoss: anyLossSync,
  asymmetric: asymmetricSync,
  dice: diceSync,
  generalizedDice: generalizedDiceSync,
  jaccard: jaccardSync,
  lovasz: lovaszSync,
  selfAdjustingDice: selfAdjustingDiceSync,
  skeletonRecall: skeletonRecallSync,
  softClDice: softClDiceSync,
  tversky: tverskySync,
};
const layouts = ['channelsLast', 'channelsFirst'] as const;

interface Made {
  readonly reference: RegionInputs;
  readonly exact: RegionResult;
  readonly inputs: (layout: (typeof layouts)[number]) => PublicInputs;
  readonly upstream: Float32Array | undefined;
}

/** [batch, pixels, classes] -> [batch, classes, pixels]. */
function swap<A extends { [i: number]: number; slice(): A; length: number }>(
  values: A,
  batch: number,
  classes: number,
): A {
  const swapped = values.slice();
  const pixels = batch === 0 ? 0 : values.length / batch / classes;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < pixels; i++)
      for (let c = 0; c < classes; c++)
        swapped[(b * classes + c) * pixels + i] = values[(b * pixels + i) * classes + c] as number;
  return swapped;
}

function back(values: Float64Array, batch: number, classes: number): Float64Array {
  const pixels = batch === 0 ? 0 : values.length / batch / classes;
  return values.map((_, at) => {
    const [c, i] = [at % classes, Math.floor(at / classes)];
    const b = pixels === 0 ? 0 : Math.floor(i / pixels);
    return values[(b * classes + c) * pixels + (i % Math.max(pixels, 1))] as number;
  });
}

function make(item: RegionCase, dtype: FloatDType): Made {
  const { shape, options = {} } = item;
  const classes = shape.at(-1) as number;
  const batch = shape[0] as number;
  const pixels = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const { normal, uniform, below } = random(item.seed ?? 7);
  const floats = (count: number, value: (i: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => value(i));
  const storage = encode(
    floats(pixels * classes, () =>
      options.activation === 'none' ? uniform() : (item.spread ?? 2) * normal() + (item.around ?? 0),
    ),
    dtype,
  );

  const hard = Array.from({ length: pixels }, () => (item.targets === 'firstClassOnly' ? 0 : below(classes)));
  const ids = hard.map((id) => (item.someIgnored && below(4) === 0 ? (options.ignoreIndex as number) : id));
  const labelType = item.labels ?? dtype;
  const values =
    item.targets === 'soft'
      ? floats(pixels * classes, (i) => (i % 3 === 0 ? 0 : uniform()))
      : floats(pixels * classes, (i) => (hard[Math.floor(i / classes)] === i % classes ? 1 : 0));
  const asLabels = { uint8: Uint8Array, bool: Uint8Array, int32: Int32Array };
  const labels =
    labelType in asLabels
      ? asLabels[labelType as 'uint8'].from(values)
      : encode(values, labelType as FloatDType);
  const isLabels = item.targets === 'oneHot' || item.targets === 'soft';
  const idType = { int32: Int32Array, uint8: Uint8Array };
  const idStorage =
    item.ids === 'int64' ? BigInt64Array.from(ids, BigInt) : idType[item.ids ?? 'int32'].from(ids);

  const maskOf = {
    weights: () => uniform() * 2,
    binary: () => below(2),
    bytes: () => below(3),
    zero: () => 0,
  };
  const weights = item.mask && floats(pixels, maskOf[item.mask]);
  const mask = weights && (item.mask === 'bytes' ? Uint8Array.from(weights) : Float32Array.from(weights));
  const classWeights = item.classWeights
    ? Float32Array.from({ length: classes }, () => 0.2 + uniform())
    : undefined;

  const reference: RegionInputs = {
    predictions: decode(storage, dtype),
    batch,
    classes,
    space: shape.slice(1, -1),
    ...(isLabels
      ? { labels: labelType in asLabels ? values : decode(labels as Float32Array, labelType as FloatDType) }
      : { targets: ids }),
    ...(mask && { mask }),
    ...(classWeights && { classWeights }),
  };
  const kind = item.loss as Parameters<typeof regionLoss>[0];
  const items = itemShape(item).reduce((a, b) => a * b, 1);
  const upstream = item.upstream === 'each' ? Float32Array.from({ length: items }, normal) : undefined;
  const exact = regionLoss(kind, reference, {
    ...options,
    upstream: upstream ?? (item.upstream as number) ?? 1,
  });

  const leading = shape.slice(0, -1);
  const inputs = (layout: (typeof layouts)[number]): PublicInputs => {
    const first = layout === 'channelsFirst';
    const full = first ? [batch, classes, ...shape.slice(1, -1)] : shape;
    const placed = <A>(data: A): A => (first ? (swap(data as never, batch, classes) as A) : data);
    return {
      predictions: { data: placed(storage), shape: full, dtype },
      targets: isLabels
        ? { data: placed(labels as Float32Array), shape: full, dtype: labelType }
        : { data: idStorage, shape: leading },
      ...(mask && { mask: { data: mask, shape: leading } }),
      ...(classWeights && { classWeights: { data: classWeights, shape: [classes] } }),
    };
  };
  return { reference, exact, inputs, upstream };
}

function itemShape(item: RegionCase): number[] {
  const all = item.shape.at(-1) as number;
  const background = item.options?.background ?? (item.loss !== 'skeletonRecall' || all === 1);
  const classes = all - (background ? 0 : 1);
  const batch = item.shape[0] as number;
  const defaults: Partial<Record<RegionCase['loss'], string>> = {
    generalizedDice: 'image',
    anyLoss: 'class',
    asymmetric: 'image',
  };
  const over = item.options?.over ?? defaults[item.loss] ?? 'imageClass';
  return { imageClass: [batch, classes], class: [classes], image: [batch], all: [] }[over] as number[];
}

describe(`losses of regions on ${backend.name}`, () => {
  beforeAll(expectBackend);
  afterAll(expectBackend);
  const runs = runsOf(regionCases, floatDTypes, layouts);
  describe.each(runs)('$item.name, $dtype', ({ item, dtype, modes: chosen }) => {
    let made: Made;
    beforeAll(() => {
      made = make(item, dtype);
    });
    test.each(chosen)('%s', (layout) => {
      const { exact, reference, inputs, upstream } = made;
      const { batch, classes } = reference;
      const options = {
        ...item.options,
        layout,
        device: backend.device,
        ...(upstream && { upstream: { data: upstream, shape: itemShape(item) } }),
        ...(typeof item.upstream === 'number' && { upstream: item.upstream }),
      };
      const loss = losses[item.loss] as (typeof losses)[string];
      const value = loss(inputs(layout), options);
      const found = loss(inputs(layout), { ...options, grads: true });
      expect(value.loss).toBe(found.loss);
      expect(value.grads).toEqual({});
      expect(found.regions, 'regions').toBe(exact.regions);
      expectScalar('loss', found.loss, exact.loss, exact.lossMagnitude);
      expect(found.perItem !== undefined).toBe(item.options?.reduction === 'none');
      if (found.perItem) {
        expect(found.perItem.shape).toEqual(itemShape(item));
        expectRounded('perItem', found.perItem.dataSync(), exact.perItem, 'float32', exact.perItemMagnitude);
      }
      const gradient = found.grads.predictions as Tensor;
      expect([gradient.dtype, gradient.shape]).toEqual([dtype, inputs(layout).predictions.shape]);
      const got = decode(gradient.dataSync() as Float32Array, dtype);
      const inFloat = exact.gradientMagnitude;
      expectRounded(
        'gradient',
        layout === 'channelsFirst' ? back(got, batch, classes) : got,
        exact.gradient,
        dtype,
        ...(dtype === 'float32'
          ? [inFloat]
          : [exact.gradient, inFloat.map((size) => halfUlp(size, 'float32'))]),
      );
    });
  });
});
