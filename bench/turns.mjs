// Turns on a machine that is awake. Before each turn there is a pause, because OpenMP's threads spin for a while after
// their work and whoever comes next should not pay for that. But a virtual machine that was idle for so long takes
// milliseconds to wake, and a training loop never lets it sleep: so everyone, a peer in its process too, runs untimed
// before the run that counts, for as long as waking takes and at least once.

const waking = 50; // milliseconds

const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

/** What the last of several runs gives. */
export async function takeTurn(run) {
  await pause();
  const start = performance.now();
  do await run();
  while (performance.now() - start < waking);
  return run();
}

export function seconds(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
