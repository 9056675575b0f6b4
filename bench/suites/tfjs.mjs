// Losses through cutloss/tfjs beside what a user of tfjs would write, loss and gradients, in the same run on the same
// tensors: inside tfjs-node, where scripts/setup-tfjs-node.sh has set it up, and on the wasm backend. The memory is the
// most that the process held during one step, beyond what it held before.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tfjsNodeFolder } from '../../scripts/tfjs-node.mjs';

const child = fileURLToPath(new URL('../tfjs-child.mjs', import.meta.url));

/** Each way in a process of its own, so that none pays for another's heap. */
function measure(backend, workload, way, rounds, small) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', child, backend, workload, way, String(rounds), small ? 'small' : 'full'],
    { encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const workloads = {
  'cut cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  'cross-entropy': { tensorflow: ['one-hot', 'sparse'], wasm: ['one-hot'] },
  dice: { tensorflow: ['composed'], wasm: ['composed'] },
};

export async function tfjsSuite({ rounds, small }) {
  const table = [];
  for (const [workload, peers] of Object.entries(workloads)) {
    for (const [backend, theirs] of Object.entries(peers)) {
      if (backend === 'tensorflow' && tfjsNodeFolder() === undefined) {
        console.log(`${workload} on tensorflow: not measured, scripts/setup-tfjs-node.sh has not run`);
        continue;
      }
      const slow = backend === 'wasm' && !small;
      const ours = measure(backend, workload, 'ours', rounds, small);
      for (const way of theirs) {
        const peer = measure(backend, workload, way, slow ? 1 : rounds, small);
        table.push({
          work: workload,
          shape: ours.shape,
          backend,
          ms: ours.ms.toFixed(1),
          MiB: (ours.bytes / 2 ** 20).toFixed(0),
          'tfjs own way': way,
          'its ms': peer.ms.toFixed(1),
          'its MiB': (peer.bytes / 2 ** 20).toFixed(0),
          'time ratio': (ours.ms / peer.ms).toFixed(3),
          'memory ratio': (ours.bytes / peer.bytes).toFixed(3),
        });
      }
    }
  }
  return table;
}
