// Makes sure that this process really computes on the backend that it is named after.

import { devices, versions } from 'cutloss';
import { backend } from './backends.js';

export function expectBackend(): void {
  const info = devices().find(({ device }) => device === backend.device);
  if (!info) throw new Error(`Expected the device ${backend.device} but found ${JSON.stringify(devices())}`);
  const { simd } = versions();
  if (backend.simd && simd !== backend.simd)
    throw new Error(`Expected SIMD level ${backend.simd} but the engine runs ${simd}`);
}
