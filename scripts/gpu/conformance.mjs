// The JavaScript conformance suite on the GPU, a process per file.
import { readdirSync } from 'node:fs';
import { lastJson, runNode } from './run.mjs';

const folder = 'test/conformance';

async function runTests(context, args, seconds) {
  const ending = await runNode(['scripts/gpu/run-tests.mjs', ...args], { env: context.env, seconds });
  const counts = lastJson(ending);
  if (counts) return { counts, problem: counts.failures.length > 0 ? counts.failures.join('\n') : undefined };
  return { problem: ending.problem ?? `it printed no counts: ${ending.stdout.slice(-500)}` };
}

export function conformanceChecks(context) {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.test.js') && name !== 'tolerance.test.js',
  );
  return files.map((name) => ({
    name,
    load: async () => {
      const { counts, problem } = await runTests(context, ['--collect', `${folder}/${name}`], 60);
      return { problem, says: counts && `${counts.tests} tests` };
    },
    run: () => runTests(context, [`${folder}/${name}`], 300),
  }));
}
