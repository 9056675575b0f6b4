// The functions of topology against another implementation's pairs where they are at hand, and against the reference by
// plain reduction on small fields of every kind. CUTLOSS_TOPOLOGY_FIELDS says how many fields; 20000 takes minutes.

import {
  type Bars,
  type BettiMatch,
  bettiMatchingErrorSync,
  bettiMatchingSync,
  bettiNumberErrorSync,
  bettiNumbersSync,
  persistenceSync,
  prepareTargetSync,
  type Tensor,
} from 'cutloss';
import { describe, expect, test } from 'vitest';
import * as reference from '../reference/topology.js';
import { backend } from '../support/backends.js';
import { bettiCases, cropped, knownLines, lineOf, linesOf, variants } from '../support/betti-cases.js';
import { type Random, random } from '../support/random.js';
import { expectRounded } from './tolerance.js';
import { drawShape, fills, type TopologyCase, topologyCases } from './topology.cases.js';

const barsOf = ({ birth, death, birthIndex, deathIndex }: Bars): reference.Bar[] =>
  Array.from(birth, (value, i) => ({
    birth: value,
    death: death[i] as number,
    birthIndex: birthIndex[i] as number,
    deathIndex: deathIndex[i] as number,
  }));

const foundLines = (match: BettiMatch) => {
  const [predictions, targets] = [barsOf(match.matched.prediction), barsOf(match.matched.target)];
  return linesOf({
    matched: predictions.map((prediction, i) => ({ prediction, target: targets[i] as reference.Bar })),
    unmatchedPrediction: barsOf(match.unmatchedPrediction),
    unmatchedTarget: barsOf(match.unmatchedTarget),
  });
};

describe(`topology on ${backend.name}`, () => {
  describe.runIf(bettiCases().length > 0)('as another implementation pairs', () => {
    describe.each(Object.entries(variants))('%s', (name, options) => {
      test.each(bettiCases().map((item) => [`${item.id} ${item.name}`, item] as const))('%s', (_, item) => {
        const known = item.variants[name] as (typeof item.variants)[string];
        const shape = [1, ...item.shape];
        const field = (values: readonly number[]) => ({ data: Float32Array.from(values), shape });
        const found = bettiMatchingSync(
          { prediction: field(item.prediction), target: field(item.target) },
          { ...options, device: backend.device, grads: true, outputs: ['pairs'] },
        );
        expect(found.pairs?.[0]?.map(foundLines)).toEqual(
          known.dims.map((each) => knownLines(each, item.shape, options.border === 'closed')),
        );
        expect(Math.abs(found.loss - known.loss.total)).toBeLessThan(1e-6);
        // contributions may cancel, so an element is judged by their sizes
        const gradient = found.grads.prediction?.dataSync() as Float32Array;
        cropped(known, item.shape).forEach((slope, i) => {
          expect(Math.abs((gradient[i] as number) - slope)).toBeLessThan(1e-6);
        });
      });
    });
    test.each(bettiCases().map((item) => [`${item.id} ${item.name}`, item] as const))(
      'metrics of %s',
      (_, { shape, metric, ...item }) => {
        const field = (values: readonly number[]) => ({
          data: Float32Array.from(values),
          shape: [1, ...shape],
        });
        const [prediction, target] = [field(item.prediction), field(item.target)];
        const options = { threshold: metric.threshold, device: backend.device };
        expect([...(bettiNumbersSync(prediction, options)[0] as Int32Array)]).toEqual(metric.betti_pred);
        expect([...(bettiNumbersSync(target, options)[0] as Int32Array)]).toEqual(metric.betti_target);
        expect(bettiNumberErrorSync({ prediction, target }, options)[0]).toBe(
          metric.betti_number_error.total,
        );
        expect(bettiMatchingErrorSync({ prediction, target }, options)[0]).toBe(
          metric.betti_matching_error.total,
        );
      },
    );
  });

  const usual = backend.full ? 800 : 112; // one for each fill and case; all levels of the CPU are the same code here
  const count = Number(process.env.CUTLOSS_TOPOLOGY_FIELDS ?? usual);
  describe.each(Object.keys(fills))('%s', (name) => {
    test.each(topologyCases.map((options) => [JSON.stringify(options), options] as const))(
      '%s',
      (_, options) => {
        const each = Math.ceil(count / Object.keys(fills).length / topologyCases.length);
        for (let seed = 1; seed <= each; seed++) compare(name, options, random(seed * 7919 + name.length));
      },
    );
  });
});

/** One random field, or a batch of two, through every function. */
function compare(fill: string, options: TopologyCase, source: Random): void {
  const shape = drawShape(source, source.pick([2, 2, 3]));
  const voxels = shape.reduce((a, b) => a * b, 1);
  const items = source.pick([1, 1, 2]);
  const make = (kind: string) =>
    Float32Array.from({ length: items * voxels }, (fills[kind] as (typeof fills)[string])(source));
  const data = { prediction: make(fill), target: make(source.pick([fill, ...Object.keys(fills)])) };
  const view = (values: Float32Array) => ({ data: values, shape: [items, ...shape] });
  const inputs = { prediction: view(data.prediction), target: view(data.target) };
  const device = backend.device;
  const all = { ...options, device, grads: true, outputs: ['pairs'], reduction: 'none' } as const;
  const found = bettiMatchingSync(inputs, all);
  const { filtration, border, dimensions } = options as reference.FieldOptions;
  const fieldOptions = JSON.parse(
    JSON.stringify({ filtration, border, dimensions }),
  ) as reference.FieldOptions;
  const prepared = prepareTargetSync(inputs.target, fieldOptions);
  const again = bettiMatchingSync({ ...inputs, target: prepared }, all);
  expect(again).toEqual(found);
  for (const [one, other] of [
    [again.grads.prediction, found.grads.prediction],
    [again.perItem, found.perItem],
  ])
    expect(one?.dataSync()).toEqual(other?.dataSync());
  const bars = persistenceSync(inputs.prediction, { ...fieldOptions, device });
  const numbers = bettiNumbersSync(inputs.prediction, { ...fieldOptions, device });
  const errors = bettiMatchingErrorSync(inputs, { ...fieldOptions, device });
  for (let item = 0; item < items; item++) {
    const part = (values: Float32Array) => ({
      values: values.subarray(item * voxels, (item + 1) * voxels),
      shape,
    });
    const [prediction, target] = [part(data.prediction), part(data.target)];
    const exact = reference.bettiMatching(prediction, target, options);
    expect(found.pairs?.[item]?.map(foundLines)).toEqual(exact.dimensions.map(linesOf));
    expectRounded(
      'perItem',
      (found.perItem as Tensor<'float32'>).dataSync().subarray(item, item + 1),
      [exact.loss],
      'float32',
    );
    const gradient = (found.grads.prediction as Tensor)
      .dataSync()
      .subarray(item * voxels, (item + 1) * voxels);
    expectRounded('gradient', gradient as Float32Array, exact.gradient, 'float32', exact.sizes);
    expect((bars[item] as Bars[]).map((each) => barsOf(each).map(lineOf).sort())).toEqual(
      reference.persistence(prediction, fieldOptions).map((each) => each.map(lineOf).sort()),
    );
    expect([...(numbers[item] as Int32Array)]).toEqual(reference.bettiNumbers(prediction, fieldOptions));
    expect(errors[item]).toBe(reference.bettiMatchingError(prediction, target, fieldOptions));
  }
}
