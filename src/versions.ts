// What is in use: for a log, and for whoever is asked why it computes what it computes.

import { cpu, type DeviceInfo } from './devices.js';
import { isFailure, native, packageVersion } from './native.js';

export interface Versions {
  /** Of this package. */
  cutloss: string;
  /** Of the sources that the native binary was built from: the same, unless a checkout was not built again. */
  binary: string;
  /** Their commit: binaries of releases. */
  commit?: string;
  /** The version of Node-API that the binary needs. */
  nodeApi: number;
  compiler: string;
  /** The version of CUDA that the binary was built with: binaries that have the CUDA engine. */
  cudaRuntime?: string;
  /** The newest version of CUDA that the driver of this machine is for: where there is a driver. */
  cudaDriver?: string;
  /** The level of the CPU engine, by the name that CUTLOSS_SIMD knows it by. */
  simd?: 'amx' | DeviceInfo['simd'];
}

/**
 * The versions of the package and of what it was built with, and the instructions that it uses on this machine. Of a
 * GPU's driver nothing is asked but its version.
 *
 * @example console.log(versions()); // { cutloss: '0.1.0', binary: '0.1.0', nodeApi: 8, compiler: 'GCC 12.2.0', … }
 */
export function versions(): Versions {
  const found = { cutloss: packageVersion(), ...native().versions() };
  const description = native().describe(cpu);
  const simd = isFailure(description) ? undefined : (description.simdLevel as Versions['simd']);
  return simd === undefined ? found : { ...found, simd };
}
