// Numbers for people: medians, and a table whose columns line up.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rows are objects; their keys become the header. */
export function printTable(rows) {
  if (rows.length === 0) return;
  const header = [...new Set(rows.flatMap(Object.keys))];
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
