// The part trust: what must hold when memory runs out, when many use one GPU, when a process ends in the middle of work,
// and after hundreds of steps. Every check is a process of its own, because what must not happen is a crash.
import { lostChecks } from './programs.mjs';
import { lastJson, runNode } from './run.mjs';

const hazards = 'test/hazards/children';
const trust = 'scripts/gpu/trust';
const endings = ['dry', 'exit', 'exitSoon', 'throw', 'rejection', 'SIGTERM', 'SIGINT', 'abort'];
const states = ['idle', 'sync', 'async', 'worker'];
const kMostDelay = 8000; // ms that a process with a CUDA context may take longer than one without, start and end together

export function trustChecks(context) {
  const node = (args, more) => runNode(args, { seconds: 90, ...more, env: { ...context.env, ...more?.env } });
  const script = (name, file, args, more) => ({
    name,
    file,
    run: async () => {
      const ending = await node([...(more?.node ?? []), file, ...args], more);
      const said = lastJson(ending);
      return { problem: ending.problem ?? more?.judge?.(said), figures: said, says: said && words(said) };
    },
  });
  const size = context.emulated ? 'small' : 'large';

  const checks = [
    { name: 'memory runs out at every budget', file: `${trust}/budget.mjs`, run: () => everyBudget(node) },
    script('the GPU itself is full', `${trust}/full.mjs`, [], {
      env: { CUTLOSS_GPU_MEMORY_BUDGET: `${2 ** 60}` },
    }),
    {
      name: 'eight workers and eight processes at once: equal bits',
      file: `${trust}/same-bits.mjs`,
      run: () => equalBits(node, size),
    },
    script('400 steps in flat memory', `${trust}/steps.mjs`, [size], { node: ['--expose-gc'] }),
    script('aborted at random moments', `${hazards}/abort.mjs`, [context.emulated ? '8' : '150'], {
      judge: ({ p99 }) =>
        p99 < 50 || context.emulated
          ? undefined
          : `after an abort it took ${p99} ms to settle, 50 are allowed`,
    }),
    ...[1, 4].map((width) => {
      const count = context.emulated ? '4' : '24';
      const name = `${count} workers terminated in mid-work, ${width} at a time`;
      return script(name, `${hazards}/terminate.mjs`, [count, `${width}`], { node: ['--expose-gc'] });
    }),
    ...lostChecks(context),
    ...states.map((state) => ({
      name: `${endings.length} ways to end a process: ${state}`,
      file: `${hazards}/exit.mjs`,
      run: () => endInEveryWay(node, state),
    })),
  ];
  return checks.map((check) => ({
    load: async () => ({ problem: (await runNode(['--check', check.file])).problem }),
    ...check,
  }));
}

const words = (said) =>
  Object.entries(said)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(', ');

/** One step's need is found first; then every budget below it must fail, and all above must work. */
async function everyBudget(node) {
  const file = `${trust}/budget.mjs`;
  const probe = await node([file, 'measure']);
  const need = lastJson(probe);
  if (!need) return { problem: probe.problem ?? 'it did not say what a step needs' };
  const { logits, targets, all } = need;
  const short = [0, 1, targets, logits - 1, logits, logits + targets, 2 * logits, all - 1];
  const enough = [all, all + 1, 2 * all, 2 ** 40];
  const problems = [];
  for (const budget of [...short, ...enough]) {
    const expected = budget < all ? 'fails' : 'works';
    const { problem } = await node([file, expected], { env: { CUTLOSS_GPU_MEMORY_BUDGET: `${budget}` } });
    if (problem) problems.push(`budget ${budget}: ${problem}`);
  }
  const tried = short.length + enough.length;
  return {
    counts: { passed: tried - problems.length, failed: problems.length },
    says: `a step needs ${all} bytes`,
    problem: problems.length > 0 ? problems.join('\n') : undefined,
  };
}

/** A digest of many results: alone, in eight workers of one process, and in eight processes. */
async function equalBits(node, size) {
  const file = `${trust}/same-bits.mjs`;
  const runs = [await node([file, size, '0']), await node([file, size, '8'], { seconds: 120 })];
  runs.push(
    ...(await Promise.all(Array.from({ length: 8 }, () => node([file, size, '0'], { seconds: 120 })))),
  );
  const problems = runs.map(({ problem }) => problem).filter(Boolean);
  const digests = new Set(runs.flatMap((ending) => lastJson(ending)?.digests ?? []));
  if (problems.length === 0 && digests.size !== 1) problems.push(`they differ: ${[...digests].join(' ')}`);
  return {
    problem: problems.join('\n') || undefined,
    figures: { digests: [...digests] },
    says: [...digests].join(' '),
  };
}

/** Each ending must be that of the same script without the package, and must not take much longer. */
async function endInEveryWay(node, state) {
  const problems = [];
  for (const ending of endings) {
    const onGo = ending.startsWith('SIG') ? ending : undefined;
    const one = (env) => node([`${hazards}/exit.mjs`, ending, state], { env, onGo, seconds: 30 });
    const control = await one({ CONTROL: '1' });
    const found = await one({});
    const same = found.code === control.code && found.signal === control.signal;
    const soon = found.milliseconds < control.milliseconds + kMostDelay;
    // abort() prints the stack it was called from
    const quiet = ending === 'abort' || withoutNumbers(found.stderr) === withoutNumbers(control.stderr);
    if (!same || !quiet || !soon) {
      const how = ({ code, signal, milliseconds }) =>
        `code ${code}, signal ${signal} after ${milliseconds.toFixed(0)} ms`;
      problems.push(
        `${ending}: ${how(found)} where Node alone ends with ${how(control)}\n${found.stderr.slice(-2000)}`,
      );
    }
  }
  return {
    counts: { passed: endings.length - problems.length, failed: problems.length },
    problem: problems.length > 0 ? problems.join('\n') : undefined,
  };
}

const withoutNumbers = (text) => text.replace(/0x[0-9a-f]+|\d+/g, '#');
