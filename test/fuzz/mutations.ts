// What the fuzzer does to a valid call. Each mutation says with which codes the call must now fail, or that it may, or
// that it must still be right. A mutation that finds nothing to spoil returns false.

import { tensor } from 'cutloss';
import { badOptions, junk, unknownOptions } from './bad-values.js';
import { type Anything, canDetach, detach, resizableBuffer } from './call.js';
import {
  anyInput,
  dtypeCode,
  fails,
  gone,
  isPlain,
  type Mutation,
  mayFail,
  optionCode,
  replace,
  shapeCode,
  view,
} from './spoil.js';

export const mutations: Record<string, Mutation> = {
  junkInput(call) {
    const name = anyInput(call);
    call.inputs[name] = call.random.pick(junk());
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  missingInput(call) {
    delete call.inputs[call.random.pick(['logits', 'targets'])];
    return fails(call, [...dtypeCode, ...optionCode]);
  },
  unknownInput(call) {
    call.inputs[call.random.pick(['logit', 'target', 'bias', 'hidden', 'Logits', 'weight'])] = view(
      call,
      'logits',
    );
    return fails(call, [...optionCode, ...dtypeCode]);
  },
  junkData(call) {
    const others = [
      new Float64Array(4),
      new Int8Array(4),
      new Int16Array(4),
      new Uint32Array(4),
      new BigUint64Array(4),
      new Uint8ClampedArray(4),
      new DataView(new ArrayBuffer(8)),
      new ArrayBuffer(16),
    ];
    replace(call, anyInput(call), { data: call.random.pick([...others, ...junk()]) });
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  otherDType(call) {
    const name = anyInput(call);
    const wrong = {
      logits: ['int32', 'int64', 'uint8', 'bool'],
      targets: ['bool', 'float16', 'float32'],
      weights: ['float16', 'int32'],
      classWeights: ['bfloat16', 'bool'],
    }[name] as string[];
    replace(call, name, {
      dtype: call.random.pick([...wrong, 'float64', 'Float32', '', 3, {}, Symbol('s')]),
    });
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  bareBits(call) {
    if (!isPlain(call, 'logits')) return false;
    const { shape } = view(call, 'logits');
    call.inputs.logits = { data: new Uint16Array(call.rows * call.classes), shape };
    return fails(call, dtypeCode);
  },
  badShape(call) {
    const { rows, classes } = call;
    const huge = call.random.pick([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300]);
    const shapes: Anything[] = [
      [rows + 1, classes],
      [rows, classes + 1],
      [-rows - 1, -classes],
      [rows, -1],
      [NaN, classes],
      [rows, 0.5],
      [huge, classes],
      [huge, huge],
      [Infinity, 1],
      ['1', classes],
      [5n, classes],
      Array(33).fill(1),
      Array(1e5).fill(1),
      [rows, classes, 2],
      [[rows, classes]],
      [null],
      ...junk().filter((value) => !Array.isArray(value) || value.length === 0 || value.length === 2),
    ];
    replace(call, anyInput(call), { shape: call.random.pick(shapes.slice(0, 16)) });
    if (call.random.below(3) === 0)
      replace(call, anyInput(call), { shape: call.random.pick(junk().slice(0, 13)) });
    // an empty tensor fits some of these (0 rows of one class more): then it is the shapes that disagree
    return rows === 0
      ? mayFail(call, [...shapeCode, ...dtypeCode, 'ANSWER'])
      : fails(call, [...shapeCode, ...dtypeCode]);
  },
  sameSizeOtherShape(call) {
    const name = anyInput(call);
    const { shape } = view(call, name);
    if (name === 'logits') return false;
    replace(call, name, {
      shape: call.random.pick([
        [1, ...shape],
        [...shape, 1],
      ]),
    });
    return fails(call, shapeCode);
  },
  targetsOfOtherRows(call) {
    const more = call.rows + 1 + call.random.below(3);
    call.inputs.targets = { data: new Int32Array(more), shape: [more] };
    return fails(call, shapeCode);
  },
  badTarget(call) {
    if (call.rows === 0 || !isPlain(call, 'targets')) return false;
    const { below, pick } = call.random;
    const row = below(call.rows);
    const wide = below(3) === 0;
    const value = pick([
      call.classes,
      call.classes + 1,
      -1,
      -2,
      -99,
      -101,
      2 ** 31 - 1,
      -(2 ** 31),
      ...(wide ? [2 ** 32, 2 ** 32 + 1, 2 ** 40, -(2 ** 53) + 1] : []),
    ]);
    if (
      value === call.ignoreIndex ||
      call.ids.some((id, i) => i < row && id !== call.ignoreIndex && (id < 0 || id >= call.classes))
    )
      return false;
    call.ids[row] = value;
    const first = call.ids.findIndex((id) => id !== call.ignoreIndex && (id < 0 || id >= call.classes));
    call.badTarget = { row: first, value: call.ids[first] as number };
    const inInt32 = call.ids.every((id) => id === (id | 0));
    const data = inInt32 && !wide ? Int32Array.from(call.ids) : BigInt64Array.from(call.ids, BigInt);
    call.inputs.targets = { data, shape: view(call, 'targets').shape };
    return fails(call, ['ERR_CUTLOSS_TARGET']);
  },
  detached(call) {
    const name = anyInput(call);
    const { data } = view(call, name);
    if (!canDetach(data)) return false;
    detach(data);
    return fails(call, gone);
  },
  detachedOut(call) {
    if (!call.out || call.out.length === 0) return false;
    detach(call.out);
    delete call.out;
    return fails(call, gone);
  },
  resizable(call) {
    const name = anyInput(call);
    const { data } = view(call, name);
    if (!ArrayBuffer.isView(data)) return false;
    replace(call, name, { data: new (data.constructor as Anything)(resizableBuffer(data.byteLength)) });
    return fails(call, gone);
  },
  disposed(call) {
    const name = anyInput(call);
    const { data, shape, dtype } = view(call, name);
    if (!ArrayBuffer.isView(data) || data.byteLength === 0 || !Array.isArray(shape)) return false;
    try {
      const held = tensor(data as Float32Array, shape, dtype);
      held.dispose();
      call.inputs[name] = held;
    } catch {
      return false;
    }
    return fails(call, ['ERR_CUTLOSS_DISPOSED']);
  },
  badOption(call) {
    const name = call.random.pick(Object.keys(badOptions));
    const value = call.random.pick(badOptions[name] as Anything[]);
    call.options[name] = value;
    const codes =
      name === 'device'
        ? ['ERR_CUTLOSS_DEVICE']
        : name === 'upstream' || name === 'out' || name === 'objective'
          ? [...dtypeCode, ...shapeCode]
          : [];
    return fails(call, [...optionCode, ...codes]);
  },
  unknownOption(call) {
    call.options[call.random.pick(unknownOptions)] = call.random.pick([1, null, 'x']);
    return fails(call, optionCode);
  },
  upstreamPerItemWithoutItems(call) {
    if (call.options.reduction === 'none' || call.rows === 1) return false;
    call.options.upstream = { data: new Float32Array(call.rows), shape: [call.rows] };
    return fails(call, [...optionCode, ...shapeCode]);
  },
  smoothedObjective(call) {
    call.options.labelSmoothing = 0.1;
    call.options.objective = { kind: 'focal' };
    return fails(call, optionCode);
  },
  overlappingOut(call) {
    if (!isPlain(call, 'logits')) return false;
    const { data } = view(call, 'logits');
    const count = call.rows * call.classes;
    const kind = call.dtype === 'float32' ? Float32Array : Uint16Array;
    if (!canDetach(data) || !(data instanceof kind) || data.length !== count || count < 2) return false;
    const wider = call.dtype === 'float32' ? new Float32Array(count + 1) : new Uint16Array(count + 1);
    wider.set(data);
    replace(call, 'logits', { data: wider.subarray(0, count) });
    call.options.grads = true;
    call.options.out = {
      logits: { data: wider.subarray(1), shape: view(call, 'logits').shape, dtype: call.dtype },
    };
    delete call.out;
    return fails(call, optionCode);
  },
  outOverTargets(call) {
    if (
      call.dtype !== 'float32' ||
      call.rows === 0 ||
      !isPlain(call, 'logits') ||
      !(view(call, 'targets')?.data instanceof Int32Array)
    )
      return false;
    const memory = new ArrayBuffer(4 * call.rows * call.classes);
    new Int32Array(memory, 0, call.rows).set(call.ids);
    replace(call, 'targets', { data: new Int32Array(memory, 0, call.rows) });
    call.options.grads = true;
    call.options.out = { logits: { data: new Float32Array(memory), shape: view(call, 'logits').shape } };
    delete call.out;
    return fails(call, optionCode);
  },
  wrongOut(call) {
    call.options.grads = true;
    delete call.out;
    const { rows, classes } = call;
    const outs: Anything[] = [
      { data: new Float32Array(rows * classes + 1), shape: [rows * classes + 1] },
      { data: new Float64Array(rows * classes), shape: [rows, classes] },
      { data: new Int32Array(rows * classes), shape: [rows, classes] },
      { data: new Float32Array(rows * classes), shape: [classes + 1, rows] },
      5,
      'x',
    ];
    call.options.out = { logits: call.random.pick(outs) };
    return fails(call, [...shapeCode, ...dtypeCode, ...optionCode]);
  },
  junkArguments(call) {
    call.args = call.random.pick<Anything[]>([
      [],
      [null],
      [5],
      ['x'],
      [call.inputs, 5],
      [call.inputs, null],
      [call.inputs, 'x'],
      [() => 1],
      [[]],
      [undefined, {}],
    ]);
    return fails(call, [...dtypeCode, ...optionCode, ...shapeCode]);
  },
};
