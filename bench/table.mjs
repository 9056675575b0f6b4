// Numbers for people: medians, and a table whose columns line up.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * One point of the plots of `title`: for each who took part, milliseconds and the most bytes that were held beyond the
 * inputs, gradients included.
 */
export function figure(title, size, unit, entries) {
  return { title, size, unit, entries: entries.map(([name, ms, bytes]) => ({ name, ms, bytes })) };
}

/** Rows are objects; their keys become the header. What `figure` holds is for the page (page.mjs). */
export function printTable(rows) {
  if (rows.length === 0) return;
  const header = [...new Set(rows.flatMap(Object.keys))].filter((key) => key !== 'figure');
  const cells = [header, ...rows.map((row) => header.map((key) => String(row[key] ?? '–')))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  console.log(line(cells[0]));
  console.log(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const row of cells.slice(1)) console.log(line(row));
}
