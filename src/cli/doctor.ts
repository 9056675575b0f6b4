// `cutloss doctor`: what was found on this machine, whether it computes, why a GPU is not used, and what to do about it.

import { type Device, type DeviceInfo, defaultDevice, deviceName, devices } from '../devices.js';
import { crossEntropySync } from '../losses/cross-entropy.js';
import { findBinary, isFailure, native, packageVersion, platformName } from '../native.js';
import { type Versions, versions } from '../versions.js';
import { type Arguments, type Command, type Flag, toggle } from './arguments.js';

type Flags = { readonly json: Flag<boolean> };

export const doctor: Command<Flags> = {
  name: 'doctor',
  operands: [],
  about: 'Says what cutloss finds on this machine, why a GPU is not used, and what to do about it.',
  flags: { json: toggle('print what was found as JSON') },
};

/** What was found. */
export interface Facts {
  readonly version: string;
  readonly platform: string;
  /** The variables CUTLOSS_… and CUDA_VISIBLE_DEVICES that are set. */
  readonly environment: Readonly<Record<string, string>>;
  readonly binary?: string;
  /** What the binary was built from and with. */
  readonly versions?: Versions;
  /** Why nothing can be computed. */
  readonly failure?: string;
  readonly simdLevels: readonly string[];
  /** Why there is no GPU; empty where there is one. */
  readonly noGpu: string;
  readonly devices: readonly (DeviceInfo & { readonly computes: true | string })[];
  /** GPUs that the driver shows and cutloss cannot use. */
  readonly refused: readonly { readonly device: Device; readonly reason: string }[];
  readonly defaultDevice?: Device;
}

export async function runDoctor({ flags }: Arguments<Flags>): Promise<number> {
  const facts = gather();
  const advice = adviceFor(facts);
  process.stdout.write(
    flags.json ? `${JSON.stringify({ ...facts, advice }, null, 2)}\n` : asText(facts, advice),
  );
  return isWell(facts) ? 0 : 1;
}

export function isWell({ failure, devices }: Facts): boolean {
  return failure === undefined && devices.every(({ computes }) => computes === true);
}

// ── finding out ──

function gather(): Facts {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(CUTLOSS_|CUDA_VISIBLE_DEVICES$)/.test(name)),
  ) as Record<string, string>;
  const nothing = { simdLevels: [], noGpu: '', devices: [], refused: [] };
  const about = { version: packageVersion(), platform: platformName(), environment, ...nothing };
  let binary: string | undefined;
  try {
    binary = findBinary();
  } catch {
    // native() says so too, and better
  }
  const found = { ...about, ...(binary && { binary }) };
  try {
    const { simdLevels } = native();
    const { count, reason } = native().cudaDevices();
    const refused = Array.from({ length: count }, (_, device) => ({
      device,
      answer: native().describe(device),
    })).flatMap(({ device, answer }) =>
      isFailure(answer) ? [{ device: deviceName(device), reason: answer.message }] : [],
    );
    const usable = devices().map((info) => ({ ...info, computes: tryOut(info.device) }));
    const all = {
      ...found,
      versions: versions(),
      simdLevels,
      noGpu: count > 0 ? '' : reason,
      devices: usable,
      refused,
    };
    return { ...all, defaultDevice: deviceName(defaultDevice()) };
  } catch (error) {
    return { ...found, failure: messageOf(error) };
  }
}

/** True where a loss comes out right, else what came out instead. */
function tryOut(device: Device): true | string {
  const logits = { data: Float32Array.of(2, 0, 0, 0, 0, 0), shape: [2, 3] };
  const targets = { data: Int32Array.of(0, 2), shape: [2] };
  const expected = (Math.log(1 + 2 * Math.exp(-2)) + Math.log(3)) / 2;
  try {
    const { loss } = crossEntropySync({ logits, targets }, { device });
    return Math.abs(loss - expected) < 1e-6 || `a loss of ${loss} instead of ${expected}`;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// ── what to do ──

/** By what the engine says where it finds no GPU. */
export const remedies: readonly (readonly [reason: string, remedy: string])[] = [
  [
    'has no CUDA engine',
    'To use an NVIDIA GPU, install cutloss from npm on Linux x64 (glibc), whose binary has CUDA in it, or in a checkout run npm run build:native where nvcc is found.',
  ],
  [
    'has no NVIDIA driver',
    'If there is an NVIDIA GPU in this machine, install its driver until nvidia-smi lists it; in a container, start it with --gpus all.',
  ],
  ['NVIDIA driver is for CUDA', 'Update the NVIDIA driver; nothing else of CUDA is needed.'],
  [
    'shows no GPU',
    'Let CUDA_VISIBLE_DEVICES name a GPU or unset it; in a container, start it with --gpus all.',
  ],
  [
    'NVIDIA driver answered',
    'See whether nvidia-smi works; if it does not, reload the driver or restart the machine.',
  ],
];

export function adviceFor(facts: Facts): string[] {
  const { environment, noGpu, refused, simdLevels, defaultDevice } = facts;
  const advice = facts.devices
    .filter(({ computes }) => computes !== true)
    .map(
      ({ device }) =>
        `${device} does not compute as it should: in a checkout, run npm run build:native and npm run build:dist; elsewhere, please report it with this output.`,
    );
  const { binary } = facts.versions ?? {};
  if (binary !== undefined && binary !== facts.version)
    advice.push(
      `The binary is that of ${binary}: in a checkout, run npm run build:native; elsewhere, install again.`,
    );
  const remedy = remedies.find(([reason]) => noGpu.includes(reason))?.[1];
  if (remedy !== undefined) advice.push(remedy);
  if (refused.length > 0)
    advice.push('A GPU needs compute capability 8.0 (Ampere) or newer; losses run on the other devices.');
  if (defaultDevice === 'cpu' && facts.devices.length > 1)
    advice.push(
      `CUTLOSS_DEVICE is ${environment.CUTLOSS_DEVICE}: unset it, or set it to cuda:0, to use the GPU.`,
    );
  const simd = facts.versions?.simd;
  if (simd !== undefined && simd !== simdLevels[0])
    advice.push(`CUTLOSS_SIMD is ${environment.CUTLOSS_SIMD}: without it, ${simdLevels[0]} would be used.`);
  return advice;
}

// ── what is printed ──

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function asText(facts: Facts, advice: readonly string[]): string {
  const { version, platform, environment, binary, failure, noGpu, refused, defaultDevice } = facts;
  const lines: [name: string, text: string][] = [
    ['cutloss', `${version} on ${platform}`],
    ['binary', binary ?? 'none'],
    ...(facts.versions ? [['built', builtText(facts.versions)] as [string, string]] : []),
    ...Object.entries(environment).map(([name, value]): [string, string] => [name, value]),
    ...facts.devices.map((info): [string, string] => [
      info.device,
      deviceText(info, info.simd && facts.versions?.simd),
    ]),
    ...refused.map(({ device, reason }): [string, string] => [device, `cannot be used: ${reason}`]),
  ];
  if (noGpu !== '') lines.push(['GPU', `not used: ${noGpu}`]);
  if (defaultDevice !== undefined)
    lines.push(['losses', `run on ${defaultDevice} unless they are told otherwise`]);
  if (failure !== undefined) lines.push(['failure', failure]);
  const width = Math.max(...lines.map(([name]) => name.length));
  const found = lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n');
  const verdict = isWell(facts) ? 'Everything works.' : 'Something is wrong.';
  return `${found}\n\n${[verdict, ...advice].join('\n')}\n`;
}

function builtText({ binary, commit, compiler, nodeApi, cudaRuntime }: Versions): string {
  const details = [
    `from ${binary}${commit ? ` (${commit.slice(0, 12)})` : ''}`,
    `by ${compiler}`,
    `Node-API ${nodeApi}`,
    cudaRuntime && `CUDA ${cudaRuntime}`,
  ];
  return details.filter(Boolean).join(', ');
}

function deviceText(info: Facts['devices'][number], simd: Versions['simd']): string {
  const { name, threads, computeCapability, driver, totalMemory, freeMemory, computes } = info;
  const details = [
    name,
    threads && `${threads} threads`,
    simd,
    computeCapability && `compute capability ${computeCapability}`,
    driver && `driver for ${driver}`,
    `${gib(freeMemory)} of ${gib(totalMemory)} free`,
    computes === true ? 'computes' : `FAILS: ${computes}`,
  ];
  return details.filter(Boolean).join(', ');
}
