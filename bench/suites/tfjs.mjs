// Losses through cutloss/tfjs beside what a user of tfjs would write, loss and gradients, in the same run on the same
// tensors: inside tfjs-node, where scripts/setup-tfjs-node.sh has set it up, and on the wasm backend. The memory is the
// most that the process held during one step, beyond what it held before.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';
import { figure, median } from '../table.mjs';

const child = fileURLToPath(new URL('../tfjs-child.mjs', import.meta.url));

/** Large blocks go back to the system as soon as they are freed, so that the resident set is what is held. */
const returning = { MALLOC_MMAP_THRESHOLD_: '1000000' };

/** One way in a process of its own, so that none pays for another's heap. */
function run(backend, workload, way, steps, size, environment = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', child, backend, workload, way, String(steps), size],
    { encoding: 'utf8', env: { ...process.env, ...environment, TF_CPP_MIN_LOG_LEVEL: '3' } },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const turns = 4;

/** All ways in turn, since a machine is not as fast in one minute as in the next; their memory in processes apart. */
function measure(backend, workload, ways, size, rounds) {
  const slow = backend === 'wasm' && size === 'full';
  const times = ways.map(() => []);
  let shape;
  let elements;
  for (let turn = 0; turn < (slow ? 1 : turns); turn++) {
    for (const [i, way] of ways.entries()) {
      const steps = slow && way !== 'ours' ? 1 : Math.ceil(rounds / turns);
      const seen = run(backend, workload, way, steps, size);
      times[i].push(...seen.times);
      shape = seen.shape;
      elements = seen.size;
    }
  }
  const found = ways.map((way, i) => ({
    way,
    ms: median(times[i]),
    bytes: run(backend, workload, way, 0, size, returning).bytes,
  }));
  return { shape, size: elements, found };
}

/** How users of tfjs write them, by backend. */
const workloads = {
  'cut cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  'cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  dice: { tensorflow: ['composed'], wasm: ['composed'] },
};

function compare(workload, backend, ways, size, rounds) {
  const { shape, size: elements, found } = measure(backend, workload, ['ours', ...ways], size, rounds);
  const [ours, ...peers] = found;
  const rows = peers.map((peer) => ({
    work: workload,
    shape,
    backend,
    ms: ours.ms.toFixed(1),
    MiB: (ours.bytes / 2 ** 20).toFixed(0),
    'tfjs own way': peer.way,
    'its ms': peer.ms.toFixed(1),
    'its MiB': (peer.bytes / 2 ** 20).toFixed(0),
    'time ratio': (ours.ms / peer.ms).toFixed(3),
    'memory ratio': (ours.bytes / peer.bytes).toFixed(3),
  }));
  rows[0].figure = figure(`${workload}, ${backend}`, elements, 'logits', [
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
