// Runs a script in a process of its own and says how it ended: the only honest way to test crashes, exits and signals.
// The script is an .mjs file that imports the built package by its name.

import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface Circumstances {
  readonly args?: readonly string[];
  readonly node?: readonly string[]; // flags of Node itself
  readonly env?: Readonly<Record<string, string>>;
  /** Sent when the child has printed a line `go`. */
  readonly signalOnGo?: NodeJS.Signals;
  readonly timeout?: number; // milliseconds; a child that takes longer is killed and has the code null
}

export const root = fileURLToPath(new URL('../..', import.meta.url));

export function runChild(script: URL | string, circumstances: Circumstances = {}): Promise<Ending> {
  const { args = [], node = [], env = {}, signalOnGo, timeout = 60_000 } = circumstances;
  const file = typeof script === 'string' ? script : fileURLToPath(script);
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|VITEST|CUTLOSS_)/.test(name)),
  );
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [...node, file, ...args], {
      env: { ...clean, ...env },
      cwd: dirname(file),
    });
    const clock = setTimeout(() => child.kill('SIGKILL'), timeout);
    let stdout = '';
    let stderr = '';
    let sent = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (signalOnGo && !sent && /^go$/m.test(stdout)) {
        sent = true;
        child.kill(signalOnGo);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(clock);
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - started });
    });
  });
}

/** Calls the function so many times, a few at a time: children that wait for each other are slow for that reason alone. */
export async function several<T>(count: number, call: () => Promise<T>, width = 4): Promise<T[]> {
  const results: T[] = [];
  const worker = async (): Promise<void> => {
    while (count-- > 0) results.push(await call());
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** The ending of a child that did its work and left cleanly; anything else throws with all that it said. */
export async function runClean(script: URL | string, circumstances: Circumstances = {}): Promise<Ending> {
  const ending = await runChild(script, circumstances);
  const { code, signal, stdout, stderr, milliseconds } = ending;
  if (code === 0 && stderr === '') return ending;
  throw new Error(
    `Expected a clean exit but received code ${code}, signal ${signal} after ${Math.round(milliseconds)} ms\n` +
      `stdout: ${stdout.slice(-2000)}\nstderr: ${stderr.slice(-4000)}`,
  );
}
