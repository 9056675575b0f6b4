// Losses through cutloss/tfjs beside what a user of tfjs would write, loss and gradients, in the same run on the same
// tensors: inside tfjs-node, where scripts/setup-tfjs-node.sh has set it up, and on the wasm backend. The memory is the
// most that the process held during one step, beyond what it held before.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';
import { figure } from '../table.mjs';

const child = fileURLToPath(new URL('../tfjs-child.mjs', import.meta.url));

/** Large blocks go back to the system as soon as they are freed, so that the resident set is what is held. */
const returning = { MALLOC_MMAP_THRESHOLD_: '1000000' };

/** Each way in a process of its own, so that none pays for another's heap; its memory in one more. */
function measure(backend, workload, way, rounds, size) {
  const run = (steps, environment) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', child, backend, workload, way, String(steps), size],
      { encoding: 'utf8', env: { ...process.env, ...environment, TF_CPP_MIN_LOG_LEVEL: '3' } },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1));
  };
  return { ...run(rounds, {}), bytes: run(0, returning).bytes };
}

/** How users of tfjs write them, by backend. */
const workloads = {
  'cut cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  'cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  dice: { tensorflow: ['composed'], wasm: ['composed'] },
};

function compare(workload, backend, ways, size, rounds) {
  const ours = measure(backend, workload, 'ours', rounds, size);
  const slow = backend === 'wasm' && size === 'full';
  const peers = ways.map((way) => ({
    way,
    ...measure(backend, workload, way, slow ? 1 : rounds, size),
  }));
  const rows = peers.map((peer) => ({
    work: workload,
    shape: ours.shape,
    backend,
    ms: ours.ms.toFixed(1),
    MiB: (ours.bytes / 2 ** 20).toFixed(0),
    'tfjs own way': peer.way,
    'its ms': peer.ms.toFixed(1),
    'its MiB': (peer.bytes / 2 ** 20).toFixed(0),
    'time ratio': (ours.ms / peer.ms).toFixed(3),
    'memory ratio': (ours.bytes / peer.bytes).toFixed(3),
  }));
  rows[0].figure = figure(`${workload}, ${backend}`, ours.size, 'logits', [
    ['cutloss', ours.ms, ours.bytes],
    ...peers.map(({ way, ms, bytes }) => [`tfjs, ${way}`, ms, bytes]),
  ]);
  return rows;
}

export async function tfjsSuite({ rounds, small, work, backend: only }) {
  const table = [];
  for (const [workload, peers] of Object.entries(workloads)) {
    if (work !== undefined && work !== workload) continue;
    for (const [backend, ways] of Object.entries(peers)) {
      if (only !== undefined && only !== backend) continue;
      if (backend === 'tensorflow' && tfjsNodeFolder() === undefined) {
        console.log(`${workload} on tensorflow: not measured, scripts/setup-tfjs-node.sh has not run`);
        continue;
      }
      for (const size of small ? ['small'] : ['middle', 'full']) {
        table.push(...compare(workload, backend, ways, size, rounds));
      }
    }
  }
  return table;
}
