// The part bench: the scripts of bench/gpu in processes of their own; their figures go into the report.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findTorch } from './machine.mjs';
import { runNode } from './run.mjs';

const scripts = {
  crossEntropy: 'bench/gpu/cross-entropy.mjs',
  cutCrossEntropy: 'bench/gpu/cut-cross-entropy.mjs',
  regions: 'bench/gpu/regions.mjs',
};

export function benchChecks({ env, emulated }) {
  return Object.entries(scripts).map(([name, script]) => ({
    name,
    load: async () => ({ problem: (await runNode(['--check', script])).problem }),
    run: async () => {
      const torch = emulated || name === 'regions' ? undefined : await findTorch();
      const file = join(process.env.CUTLOSS_GPU_CHECK_SCRATCH, `bench-${name}.json`);
      const options = [
        ...(emulated
          ? ['--small']
          : name !== 'cutCrossEntropy'
            ? ['--device-copy', resolve('programs/device_copy')]
            : []),
        ...(torch ? ['--python', torch.python] : []),
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
        says: torch
          ? `beside ${torch.version}`
          : name !== 'regions' && 'no Python with torch and a GPU was found',
        counts: { passed: figures.results.length - wrong.length, failed: wrong.length },
        problem: wrong.length > 0 ? `not what the CPU engine computes: ${JSON.stringify(wrong)}` : undefined,
      };
    },
  }));
}
