// Turns on a machine that is awake. Before each turn there is a pause, because OpenMP's threads spin for a while after
// their work and whoever comes next should not pay for that. But a virtual machine that was idle for so long takes
// milliseconds to wake, and a training loop never lets it sleep: so everyone, a peer in its process too, runs once
// untimed before the run that counts.

const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

/** What the second of two runs gives. */
export async function takeTurn(run) {
  await pause();
  await run();
  return run();
}

export function seconds(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
