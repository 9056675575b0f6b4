// The page of a run (`npm run bench -- --html FILE`): one file without scripts. For each kind of work it plots time and
// memory against size, for us and each peer, on logarithmic axes; below are the tables.
import { escaped, plot } from './plot.mjs';

const style = `
  :root { color-scheme: light dark; --ink: #1c2430; --faint: #6b7684; --line: #d9dee5; --paper: #fff; --card: #f7f9fb; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e4e9ef; --faint: #93a0ae; --line: #333d49; --paper: #12171d; --card: #1a2129; }
  }
  body { margin: 2rem auto; max-width: 76rem; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
    font: 15px/1.5 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; margin: 0; } h2 { margin: 2.5rem 0 .5rem; } p { color: var(--faint); margin: .3rem 0; }
  .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(34rem, 1fr)); gap: 1rem; }
  figure { margin: 0; padding: .8rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
  figcaption { font-weight: 600; }
  .pair { display: flex; gap: .5rem; } svg { flex: 1; min-width: 0; max-width: 22rem; height: auto; }
  svg text { font: 11px system-ui, sans-serif; fill: var(--faint); } svg .grid { stroke: var(--line); }
  .legend { font-size: 12px; } .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin: 0 .3em 0 1em; }
  .table { overflow-x: auto; margin-top: 1rem; }
  table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; white-space: nowrap; }
  th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
  th { color: var(--faint); font-weight: 500; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
`;

const colors = ['#1668dc', '#d9480f', '#2b8a3e', '#9c36b5', '#b08900'];

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Points of one title, as a line for each who took part. */
function linesOf(figures, value) {
  const names = [...new Set(figures.flatMap(({ entries }) => entries.map(({ name }) => name)))];
  return names.map((name, i) => ({
    name,
    color: colors[i % colors.length],
    points: figures
      .flatMap(({ size, entries }) =>
        entries.filter((entry) => entry.name === name).map((entry) => [size, entry[value]]),
      )
      .filter(([, y]) => y > 0)
      .sort(([a], [b]) => a - b),
  }));
}

function drawn(title, figures) {
  const time = linesOf(figures, 'ms');
  const memory = linesOf(figures.map(toMebibytes), 'MiB');
  const { unit } = figures[0];
  const legend = time
    .map(({ name, color }) => `<i style="background:${color}"></i>${escaped(name)}`)
    .join('');
  return `<figure><figcaption>${escaped(title)}</figcaption><div class="legend">${legend}</div><div class="pair">
${plot(time, { x: unit, y: 'milliseconds' })}${plot(memory, { x: unit, y: 'MiB' })}</div></figure>`;
}

/** Nothing has no place on a logarithmic axis: a page of memory is the least. */
function toMebibytes({ entries, ...figure }) {
  const least = 4096;
  const MiB = (bytes) => Math.max(bytes, least) / 2 ** 20;
  return { ...figure, entries: entries.map(({ name, bytes }) => ({ name, MiB: MiB(bytes) })) };
}

function table(rows) {
  const header = [...new Set(rows.flatMap(Object.keys))].filter((key) => key !== 'suite' && key !== 'figure');
  const cells = (tag, values) => values.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join('');
  const lines = rows.map(
    (row) =>
      `<tr>${cells(
        'td',
        header.map((key) => row[key] ?? '–'),
      )}</tr>`,
  );
  return `<div class="table"><table><tr>${cells('th', header)}</tr>\n${lines.join('\n')}</table></div>`;
}

/** The page as text; `report` is what --json writes. */
export function writePage({ date, machine, limits, peers, results }) {
  const suites = [...grouped(results, ({ suite }) => suite)].map(([suite, rows]) => {
    const figures = grouped(rows.map((row) => row.figure).filter(Boolean), ({ title }) => title);
    const plots = [...figures].map(([title, points]) => drawn(title, points)).join('\n');
    return `<h2>${escaped(suite)}</h2>\n<div class="plots">${plots}</div>\n${table(rows)}`;
  });
  const speed = limits ? `; memory reads ${limits.read} GB/s, copies ${limits.copy} GB/s` : '';
  const beside = peers.length > 0 ? ` Beside ${peers.join(', ')}, in turn.` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cutloss bench, ${escaped(date)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<h1>cutloss bench</h1>
<p>${escaped(`${date}: ${machine.cpu}, ${machine.threads} threads, ${machine.simd}, Node ${machine.node}${speed}.${beside}`)}</p>
<p>Times are medians. Memory is the most that a call held beyond its inputs, gradients included; none is drawn as one page.</p>
${suites.join('\n')}
</body>
</html>
`;
}
