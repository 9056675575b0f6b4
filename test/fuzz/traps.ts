// Mutations that run the caller's code in the middle of a call: getters that throw, detach or change their mind, proxies
// that lie, objectives that misbehave, a signal that calls the library again. After one of these no other is applied.

import { type Anything, canDetach, detach } from './call.js';
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

export const traps: Record<string, Mutation> = {
  getterDetaches(call) {
    const { random, options, inputs } = call;
    const { data } = view(call, 'logits') ?? {};
    if (!canDetach(data)) return false;
    const place: Anything = random.pick([
      options,
      inputs,
      isPlain(call, 'targets') ? inputs.targets : inputs,
    ]);
    const name =
      place === options
        ? random.pick(['temperature', 'reduction', 'outputs', 'out', 'device'])
        : place === inputs
          ? random.pick(['targets', 'classWeights', 'weights'])
          : random.pick(['shape', 'data', 'dtype']);
    const value = place[name];
    const trap = {
      enumerable: true,
      configurable: true,
      get: () => {
        if (canDetach(data)) detach(data);
        return value;
      },
    };
    return Reflect.defineProperty(place, name, trap) && fails(call, gone);
  },
  getterThrows(call) {
    const error = new Error('of the caller');
    const { random, options, inputs } = call;
    const [place, name] = random.pick<[Anything, string]>([
      [options, 'zLoss'],
      [options, 'grads'],
      [inputs, 'logits'],
      [inputs, 'weights'],
      isPlain(call, 'logits') ? [inputs.logits, 'shape'] : [inputs, 'logits'],
      isPlain(call, 'targets') ? [inputs.targets, 'data'] : [inputs, 'targets'],
    ]);
    const thrower = {
      enumerable: true,
      configurable: true,
      get: () => {
        throw error;
      },
    };
    if (!Reflect.defineProperty(place, name, thrower)) return false;
    call.own.add(error);
    return fails(call, ['OWN']);
  },
  getterChangesItsMind(call) {
    if (!isPlain(call, 'logits')) return false;
    const { data, shape, dtype } = view(call, 'logits');
    let reads = 0;
    const answers: Anything[] = [shape, [2 ** 20, call.classes], [call.rows, 2 ** 20], null];
    call.inputs.logits = {
      data,
      dtype,
      get shape() {
        return answers[Math.min(reads++, 3)];
      },
    };
    return mayFail(call, [...shapeCode, ...dtypeCode]);
  },
  shapeIsProxy(call) {
    if (!isPlain(call, 'logits')) return false;
    const { shape } = view(call, 'logits');
    let reads = 0;
    const lying = new Proxy([...shape], {
      get: (target, name) => (name === '1' && reads++ > 0 ? 2 ** 20 : Reflect.get(target, name)),
    });
    replace(call, 'logits', { shape: lying });
    return mayFail(call, shapeCode);
  },
  objectiveMisbehaves(call) {
    const { rows, random, options } = call;
    const good = () => ({ loss: new Float32Array(rows), weights: new Float32Array(rows) });
    const error = new Error('of the objective');
    const answers: [() => Anything, readonly string[]][] = [
      [() => undefined, optionCode],
      [() => 5, optionCode],
      [() => ({ loss: new Float32Array(rows) }), dtypeCode],
      [() => ({ ...good(), weights: [1, 2] }), dtypeCode],
      [() => ({ ...good(), loss: new Float64Array(rows) }), dtypeCode],
      [() => ({ ...good(), loss: new Float32Array(rows + 1) }), shapeCode],
      [
        () => {
          throw error;
        },
        ['OWN'],
      ],
    ];
    const [answer, codes] = random.pick(answers);
    options.objective = answer;
    delete options.labelSmoothing;
    call.own.add(error);
    return fails(call, codes);
  },
  objectiveDetaches(call) {
    if (process.env.CUTLOSS_INLINE_ELEMENTS === '0') return false; // queued, its memory cannot be taken away
    if (!isPlain(call, 'logits') || !canDetach(view(call, 'logits').data)) return false;
    const { rows, options } = call;
    const { data } = view(call, 'logits');
    options.objective = () => {
      if (canDetach(data)) detach(data);
      return { loss: new Float32Array(rows), weights: new Float32Array(rows) };
    };
    delete options.labelSmoothing;
    return fails(call, gone);
  },
  signalCallsAgain(call) {
    if (call.options.signal !== undefined) return false;
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
};

let reenter = (): void => {};
/** What a getter does that calls the library in the middle of a call. */
export function setReentry(f: () => void): void {
  reenter = f;
}
