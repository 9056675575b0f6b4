// Calls that look wrong and are right: each must give the reference's answer. Lying subclasses, shared memory, views in
// the middle of larger buffers, frozen and null-prototype objects, proxies that only watch, other integer types.

import { tensor } from 'cutloss';
import type { Anything, Call } from './call.js';

type Strange = (call: Call) => boolean | undefined;

class Liar extends (Float32Array as Anything) {
  get length(): number {
    return 1e9;
  }
  get byteLength(): number {
    return 4e9;
  }
  get byteOffset(): number {
    return 1 << 30;
  }
  get buffer(): ArrayBuffer {
    return new ArrayBuffer(0);
  }
  get [Symbol.toStringTag](): string {
    return 'Uint8Array';
  }
  static get [Symbol.species](): Anything {
    throw new Error('species must not be asked for');
  }
}

const lies = (data: Anything): boolean => data instanceof Liar || Object.hasOwn(data, 'length');
const isArray = (data: unknown): data is Float32Array =>
  ArrayBuffer.isView(data) && !(data instanceof DataView);
const change = (call: Call, name: string, make: (data: Anything) => Anything): boolean => {
  const view = call.inputs[name];
  if (typeof view !== 'object' || view === null || !isArray(view.data)) return false;
  const { data, shape, dtype } = view;
  call.inputs[name] = { data: make(data), shape, ...(dtype && { dtype }) };
  return true;
};
const someInput = (call: Call): string => call.random.pick(['logits', 'targets', 'weights', 'classWeights']);

export const strange: Record<string, Strange> = {
  lyingSubclass: (call) =>
    change(call, call.random.pick(['logits', 'weights', 'classWeights']), (data) =>
      data instanceof Float32Array ? new (Liar as Anything)(data) : data,
    ),
  lyingProperties: (call) =>
    change(call, someInput(call), (data) => {
      for (const name of ['length', 'byteLength', 'byteOffset'])
        Object.defineProperty(data, name, { value: 1e9, configurable: true });
      return data;
    }),
  shared: (call) =>
    change(call, someInput(call), (data) => {
      if (lies(data)) return data;
      const copy = new data.constructor(new SharedArrayBuffer(data.length * data.BYTES_PER_ELEMENT));
      copy.set(data);
      return copy;
    }),
  inTheMiddle: (call) =>
    change(call, someInput(call), (data) => {
      if (lies(data)) return data;
      const room = new data.constructor(data.length + 5);
      room.set(data, 3);
      return room.subarray(3, 3 + data.length);
    }),
  tensors: (call) => {
    const name = someInput(call);
    const view = call.inputs[name];
    if (typeof view !== 'object' || view === null || !isArray(view.data)) return false;
    call.inputs[name] = tensor(view.data, view.shape, view.dtype);
    return true;
  },
  frozen: (call) => {
    for (const view of Object.values(call.inputs)) Object.freeze(view);
    Object.freeze(call.inputs);
    Object.freeze(call.options);
    return true;
  },
  nullPrototypes: (call) => {
    call.inputs = Object.assign(Object.create(null), call.inputs);
    call.options = Object.assign(Object.create(null), call.options);
    return true;
  },
  watchedByProxies: (call) => {
    call.inputs = new Proxy(call.inputs, {});
    call.options = new Proxy(call.options, {});
    return true;
  },
  undefinedOptions: (call) => {
    for (const name of ['softcap', 'divisor', 'signal', 'upstream', 'objective', 'out', 'shift'])
      if (!(name in call.options)) call.options[name] = undefined;
    return true;
  },
  int64Targets: (call) => change(call, 'targets', () => BigInt64Array.from(call.ids, BigInt)),
  uint8Targets: (call) => {
    if (call.ids.some((id) => id < 0 || id > 255)) return false;
    return change(call, 'targets', () => Uint8Array.from(call.ids));
  },
  liveSignal: (call) => {
    call.options.signal = new AbortController().signal;
    return true;
  },
  leadingAxes: (call) => {
    const { rows, classes, inputs } = call;
    if (
      call.out ||
      Object.values(inputs).some((view) => typeof view !== 'object' || view === null || !isArray(view.data))
    )
      return false;
    for (const name of ['logits', 'targets', 'weights']) {
      const view = inputs[name];
      if (view)
        inputs[name] = {
          ...view,
          data: view.data,
          shape: name === 'logits' ? [1, rows, 1, classes] : [1, rows, 1],
        };
    }
    return true;
  },
};
