// What the fuzzer does to a valid call. Each mutation says with which codes the call must now fail, or that it may, or
// that it must still be right. A mutation that finds nothing to spoil returns false.

import { tensor } from 'cutloss';
import { type Anything, type Call, detach } from './call.js';

const dtypeCode = ['ERR_CUTLOSS_DTYPE'];
const shapeCode = ['ERR_CUTLOSS_SHAPE'];
const optionCode = ['ERR_CUTLOSS_OPTION'];
const gone = ['ERR_CUTLOSS_DETACHED'];

type Mutation = (call: Call) => boolean | undefined;

const fails = (call: Call, codes: readonly string[]): true => {
  for (const code of codes) call.must.add(code);
  return true;
};
const mayFail = (call: Call, codes: readonly string[]): true => {
  for (const code of codes) call.may.add(code);
  return true;
};
const given = (call: Call): string[] => ['logits', 'targets', 'weights', 'classWeights'].filter((name) => typeof call.inputs[name] === 'object');
const anyInput = (call: Call): string => call.random.pick(given(call));
const view = (call: Call, name: string): Anything => call.inputs[name];
const replace = (call: Call, name: string, change: object): void => {
  const { data, shape, dtype } = view(call, name);
  call.inputs[name] = { data, shape, ...(dtype && { dtype }), ...change };
};

const junk: Anything[] = [null, 0, -1, 1.5, NaN, Infinity, '', 'x', true, false, Symbol('s'), 5n, () => 1, {}, [], [1, 2], new Map(), new Date(), /x/, Object.create(null), new Proxy({}, {}), new Proxy([], {})];
const notNumbers: Anything[] = [null, 'x', '1', true, {}, [], Symbol('s'), 5n, () => 1, NaN, Infinity, -Infinity];

/** Values that an option never takes. */
const badOptions: Record<string, Anything[]> = {
  reduction: ['avg', '', 1, null, {}, 'MEAN', ['mean']],
  grads: ['logits', 1, null, ['targets'], ['hidden'], [1], {}],
  upstream: [null, 'x', true, Symbol('s'), 5n, NaN, Infinity],
  device: ['gpu', 'cuda:-1', 'cuda:99', 0, null, '', 'CPU', {}],
  signal: [null, 1, 'x', {}, { aborted: false }, []],
  out: [null, 1, 'x', { hidden: null }, { targets: 1 }],
  objective: ['focal', 'crossentropy', '', null, 1, {}, { kind: 'nothing' }, { kind: 'focal', gama: 1 }, { kind: 'focal', gamma: -1 }, { kind: 'focal', gamma: NaN }, { kind: 'focal', gamma: '2' }, { kind: 'compSum' }, { kind: 'poly1', epsilon: Infinity }, { kind: 'passAtN' }, { kind: 'passAtN', n: 0, segments: null }, []],
  ignoreIndex: [...notNumbers, 1.5, 2 ** 60],
  labelSmoothing: [...notNumbers, -0.1, 1.1],
  zLoss: notNumbers,
  softcap: [...notNumbers, 0, -1],
  temperature: [...notNumbers, 0, -1, 1e-60],
  shift: [...notNumbers, -1, 0.5],
  divisor: [...notNumbers, 0, -1],
  outputs: ['lse', 1, null, ['loss'], [1], {}],
  workspaceBytes: [...notNumbers, -1],
  deterministic: [1, null, 'true', {}],
};
const unknownOptions = ['reduce', 'Reduction', 'ignore_index', 'labelSmooting', 'label_smoothing', 'temprature', 'weights', 'length', '0', 'gamma'];

export const mutations: Record<string, Mutation> = {
  junkInput(call) {
    const name = anyInput(call);
    call.inputs[name] = call.random.pick(junk);
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  missingInput(call) {
    delete call.inputs[call.random.pick(['logits', 'targets'])];
    return fails(call, [...dtypeCode, ...optionCode]);
  },
  unknownInput(call) {
    call.inputs[call.random.pick(['logit', 'target', 'bias', 'hidden', 'Logits', 'weight'])] = view(call, 'logits');
    return fails(call, [...optionCode, ...dtypeCode]);
  },
  junkData(call) {
    const others = [new Float64Array(4), new Int8Array(4), new Int16Array(4), new Uint32Array(4), new BigUint64Array(4), new Uint8ClampedArray(4), new DataView(new ArrayBuffer(8)), new ArrayBuffer(16)];
    replace(call, anyInput(call), { data: call.random.pick([...others, ...junk]) });
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  otherDType(call) {
    const name = anyInput(call);
    const wrong = { logits: ['int32', 'int64', 'uint8', 'bool'], targets: ['bool', 'float16', 'uint8'], weights: ['float16', 'int32'], classWeights: ['bfloat16', 'bool'] }[name] as string[];
    replace(call, name, { dtype: call.random.pick([...wrong, 'float64', 'Float32', '', 3, {}, Symbol('s')]) });
    return fails(call, [...dtypeCode, ...shapeCode]);
  },
  bareBits(call) {
    call.inputs.logits = { data: new Uint16Array(call.rows * call.classes), shape: [call.rows, call.classes] };
    return fails(call, dtypeCode);
  },
  badShape(call) {
    const { rows, classes } = call;
    const huge = call.random.pick([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300]);
    const shapes: Anything[] = [[rows + 1, classes], [rows, classes + 1], [-rows - 1, -classes], [rows, -1], [NaN, classes], [rows, 0.5], [huge, classes], [huge, huge], [Infinity, 1], ['1', classes], [5n, classes], Array(33).fill(1), Array(1e5).fill(1), [rows, classes, 2], [[rows, classes]], [null], ...junk.filter((value) => !Array.isArray(value) || value.length === 0 || value.length === 2)];
    replace(call, anyInput(call), { shape: call.random.pick(shapes.slice(0, 16)) });
    if (call.random.below(3) === 0) replace(call, anyInput(call), { shape: call.random.pick(junk.slice(0, 13)) });
    // an empty tensor fits some of these (0 rows of one class more): then it is the shapes that disagree
    return rows === 0 ? mayFail(call, [...shapeCode, ...dtypeCode, 'ANSWER']) : fails(call, [...shapeCode, ...dtypeCode]);
  },
  targetsOfOtherRows(call) {
    const more = call.rows + 1 + call.random.below(3);
    call.inputs.targets = { data: new Int32Array(more), shape: [more] };
    return fails(call, shapeCode);
  },
  badTarget(call) {
    if (call.rows === 0 || typeof call.inputs.targets !== 'object') return false;
    const { below, pick } = call.random;
    const row = below(call.rows);
    const wide = below(3) === 0;
    const value = pick([call.classes, call.classes + 1, -1, -2, -99, -101, 2 ** 31 - 1, -(2 ** 31), ...(wide ? [2 ** 32, 2 ** 32 + 1, 2 ** 40, -(2 ** 53) + 1] : [])]);
    if (value === call.ignoreIndex || call.ids.some((id, i) => i < row && id !== call.ignoreIndex && (id < 0 || id >= call.classes))) return false;
    call.ids[row] = value;
    const first = call.ids.findIndex((id) => id !== call.ignoreIndex && (id < 0 || id >= call.classes));
    call.badTarget = { row: first, value: call.ids[first] as number };
    const inInt32 = call.ids.every((id) => id === (id | 0));
    const data = inInt32 && !wide ? Int32Array.from(call.ids) : BigInt64Array.from(call.ids, BigInt);
    call.inputs.targets = { data, shape: [call.rows] };
    return fails(call, ['ERR_CUTLOSS_TARGET']);
  },
  detached(call) {
    const name = anyInput(call);
    const { data } = view(call, name);
    if (!ArrayBuffer.isView(data) || data.byteLength === 0 || data.buffer instanceof SharedArrayBuffer) return false;
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
    const buffer = new ArrayBuffer(data.byteLength, { maxByteLength: data.byteLength + 64 } as Anything);
    replace(call, name, { data: new (data.constructor as Anything)(buffer) });
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
    const codes = name === 'device' ? ['ERR_CUTLOSS_DEVICE'] : name === 'upstream' || name === 'out' || name === 'objective' ? [...dtypeCode, ...shapeCode] : [];
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
    const { data } = view(call, 'logits') ?? {};
    const count = call.rows * call.classes;
    if (!(data instanceof Float32Array || data instanceof Uint16Array) || count < 2) return false;
    const wider = new (data.constructor as Anything)(count + 1);
    wider.set(data);
    replace(call, 'logits', { data: wider.subarray(0, count) });
    call.options.grads = true;
    call.options.out = { logits: { data: wider.subarray(1), shape: [call.rows, call.classes], dtype: call.dtype } };
    delete call.out;
    return fails(call, optionCode);
  },
  outOverTargets(call) {
    if (call.dtype !== 'float32' || call.rows === 0 || !(view(call, 'targets')?.data instanceof Int32Array)) return false;
    const memory = new ArrayBuffer(4 * call.rows * call.classes);
    new Int32Array(memory, 0, call.rows).set(call.ids);
    replace(call, 'targets', { data: new Int32Array(memory, 0, call.rows) });
    call.options.grads = true;
    call.options.out = { logits: { data: new Float32Array(memory), shape: [call.rows, call.classes] } };
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
  getterDetaches(call) {
    const { random, options, inputs } = call;
    const { data } = view(call, 'logits') ?? {};
    if (!ArrayBuffer.isView(data) || data.byteLength === 0) return false;
    const place: Anything = random.pick([options, inputs, inputs.targets ?? inputs]);
    const name = place === options ? random.pick(['temperature', 'reduction', 'outputs', 'out', 'device']) : place === inputs ? random.pick(['targets', 'classWeights', 'weights']) : random.pick(['shape', 'data', 'dtype']);
    const value = place[name];
    Object.defineProperty(place, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        if (data.byteLength > 0) detach(data);
        return value;
      },
    });
    return fails(call, gone);
  },
  getterThrows(call) {
    const error = new Error('of the caller');
    const { random, options, inputs } = call;
    const [place, name] = random.pick<[Anything, string]>([[options, 'zLoss'], [options, 'grads'], [inputs, 'logits'], [inputs, 'weights'], [inputs.logits ?? options, 'shape'], [inputs.targets ?? options, 'data']]);
    if (typeof place !== 'object' || place === null) return false;
    const thrower = { enumerable: true, configurable: true, get: () => { throw error; } };
    if (!Reflect.defineProperty(place, name, thrower)) return false;
    call.own.add(error);
    return fails(call, ['OWN']);
  },
  getterChangesItsMind(call) {
    const { data, shape, dtype } = view(call, 'logits') ?? {};
    if (!Array.isArray(shape)) return false;
    let reads = 0;
    const answers: Anything[] = [shape, [2 ** 20, call.classes], [call.rows, 2 ** 20], null];
    call.inputs.logits = { data, dtype, get shape() { return answers[Math.min(reads++, 3)]; } };
    return mayFail(call, [...shapeCode, ...dtypeCode]);
  },
  shapeIsProxy(call) {
    const { shape } = view(call, 'logits') ?? {};
    if (!Array.isArray(shape)) return false;
    let reads = 0;
    const lying = new Proxy([...shape], { get: (target, name) => (name === '1' && reads++ > 0 ? 2 ** 20 : Reflect.get(target, name)) });
    replace(call, 'logits', { shape: lying });
    return mayFail(call, shapeCode);
  },
  signalCallsAgain(call) {
    const { signal } = new AbortController();
    Object.defineProperty(signal, 'aborted', {
      get: () => {
        call.log.push('re-entered');
        reenter();
        return false;
      },
    });
    call.options.signal = signal;
    return mayFail(call, optionCode);
  },
  revoked(call) {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    call.inputs[anyInput(call)] = proxy;
    call.own.add(TypeError);
    return fails(call, [...dtypeCode, 'OWN']);
  },
  junkArguments(call) {
    call.args = call.random.pick<Anything[]>([[], [null], [5], ['x'], [call.inputs, 5], [call.inputs, null], [call.inputs, 'x'], [() => 1], [[]], [undefined, {}]]);
    return fails(call, [...dtypeCode, ...optionCode, ...shapeCode]);
  },
};

let reenter = (): void => {};
/** What a getter does that calls the library in the middle of a call. */
export function setReentry(f: () => void): void {
  reenter = f;
}
