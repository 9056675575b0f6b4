// Inputs without importing the package, for runs that must show what Node does on its own.

/** Logits and targets with a pattern; `make` chooses the memory, for buffers that are shared, resizable or foreign. */
export function problem(rows, classes, make = (n) => new Float32Array(n)) {
  const logits = make(rows * classes);
  for (let i = 0; i < logits.length; i++) logits[i] = ((i * 7919) % 1013) / 200 - 2.5;
  const targets = Int32Array.from({ length: rows }, (_, i) => (i * 31) % classes);
  return { logits: { data: logits, shape: [rows, classes] }, targets: { data: targets, shape: [rows] } };
}
