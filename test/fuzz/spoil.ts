// The tools of mutations.ts: what a call must or may now fail with, and reaching into its inputs without stepping into the
// traps that an earlier mutation set.

import type { Anything, Call } from './call.js';

export const dtypeCode = ['ERR_CUTLOSS_DTYPE'];
export const shapeCode = ['ERR_CUTLOSS_SHAPE'];
export const optionCode = ['ERR_CUTLOSS_OPTION'];
export const gone = ['ERR_CUTLOSS_DETACHED'];

export type Mutation = (call: Call) => boolean | undefined;

export const fails = (call: Call, codes: readonly string[]): true => {
  for (const code of codes) call.must.add(code);
  return true;
};
export const mayFail = (call: Call, codes: readonly string[]): true => {
  for (const code of codes) call.may.add(code);
  return true;
};
export const view = (call: Call, name: string): Anything => call.inputs[name];
/** Whether the input still is a plain view over a typed array, and not a tensor or what an earlier mutation left. */
export const isPlain = (call: Call, name: string): boolean => {
  try {
    const { data, shape } = view(call, name) ?? {};
    return ArrayBuffer.isView(data) && !(data instanceof DataView) && Array.isArray(shape);
  } catch {
    return false; // revoked, or throws on purpose
  }
};
/** One of the plain inputs; there is none if all were changed. */
export const anyInput = (call: Call): string => {
  const plain = ['logits', 'targets', 'weights', 'classWeights'].filter((name) => isPlain(call, name));
  if (plain.length === 0) throw new NothingToSpoil();
  return call.random.pick(plain);
};
/** Thrown by a mutation that needs what an earlier one took. */
export class NothingToSpoil extends Error {}
export const replace = (call: Call, name: string, change: object): void => {
  const { data, shape, dtype } = view(call, name);
  call.inputs[name] = { data, shape, ...(dtype && { dtype }), ...change };
};
