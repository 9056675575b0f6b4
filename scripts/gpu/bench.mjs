// The part bench: the scripts of bench/gpu in processes of their own; their figures go into the report.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findTorch } from './machine.mjs';
import { runNode } from './run.mjs';

/** Each with what it is measured beside: a copy on the device, and another implementation in Python. */
const scripts = {
  crossEntropy: { script: 'bench/gpu/cross-entropy.mjs', copy: true, peer: 'torch' },
  cutCrossEntropy: { script: 'bench/gpu/cut-cross-entropy.mjs', peer: 'torch' },
  regions: { script: 'bench/gpu/regions.mjs', copy: true },
  topology: { script: 'bench/gpu/topology.mjs', peer: 'Betti-Matching-3D' },
};

async function findPeer(peer) {
  if (peer === 'torch') return findTorch();
  return peer ? { python: process.env.CUTLOSS_PYTHON ?? 'python3' } : undefined;
}

export function benchChecks({ env, emulated }) {
  return Object.entries(scripts).map(([name, { script, copy, peer }]) => ({
    name,
    load: async () => ({ problem: (await runNode(['--check', script])).problem }),
    run: async () => {
      const found = emulated ? undefined : await findPeer(peer);
      const file = join(process.env.CUTLOSS_GPU_CHECK_SCRATCH, `bench-${name}.json`);
      const options = [
        ...(emulated ? ['--small'] : copy ? ['--device-copy', resolve('programs/device_copy')] : []),
        ...(found ? ['--python', found.python] : []),
      ];
      const { problem, stdout } = await runNode([script, '--json', file, ...options], {
        env,
        seconds: 240,
      });
      console.log(stdout.trimEnd());
      const figures = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { results: [] };
      rmSync(file, { force: true });
      if (problem) return { problem, figures };
      const wrong = figures.results.filter(({ agrees }) => agrees === false);
      return {
        figures,
        says: saysOf(peer, found),
        counts: { passed: figures.results.length - wrong.length, failed: wrong.length },
        problem: wrong.length > 0 ? `not what the CPU engine computes: ${JSON.stringify(wrong)}` : undefined,
      };
    },
  }));
}

function saysOf(peer, found) {
  if (found?.version) return `beside ${found.version}`;
  return peer === 'torch' ? 'no Python with torch and a GPU was found' : undefined;
}
