// A peer in another process: a script under bench/peers that reads one workload per line and answers with its times. It
// stays alive through the run, so that its turns and ours alternate.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The peer, or a sentence that says why there is none. */
export async function connect(name, python, threads, environment) {
  const script = fileURLToPath(new URL(`./peers/${name}_peer.py`, import.meta.url));
  return converse(name, python, [script, String(threads)], environment);
}

/** For glibc: what is freed is kept for the next call, and no page is cleared anew. */
export const keptHeap = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: `${2 ** 40}`,
  MALLOC_ARENA_MAX: '1',
};

/** Any program that does so. */
export async function converse(name, program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code) => resolve(`${program} ended with ${code}`));
  });
  const answer = async () => {
    const reply = await Promise.race([lines.next(), failed]);
    return typeof reply === 'string' || reply.done
      ? { error: typeof reply === 'string' ? reply : 'it ended' }
      : JSON.parse(reply.value);
  };
  const hello = await answer();
  if (hello.error) return hello.error;
  return {
    name,
    version: hello.version,
    async run(workload) {
      child.stdin.write(`${typeof workload === 'string' ? workload : JSON.stringify(workload)}\n`);
      const reply = await answer();
      if (reply.error) throw new Error(`${name}: ${reply.error}`);
      return reply;
    },
    close: () => child.stdin.end(),
  };
}
