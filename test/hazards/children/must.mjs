// Ends the process with a sentence unless the condition holds. Imports nothing.

export function must(condition, sentence) {
  if (condition) return;
  console.error(`not so: ${sentence}`);
  process.exit(70);
}
