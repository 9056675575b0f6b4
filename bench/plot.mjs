// A plot on logarithmic axes, as SVG.

/** Text that came from outside, as HTML. */
export function escaped(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return String(text).replace(/[&<>"]/g, (character) => entities[character]);
}

const width = 300;
const height = 210;
const edge = { left: 44, right: 14, top: 20, bottom: 30 };

/** 1, 10, 100 … within the range, with 2 and 5 between them where it is short. */
export function ticks(low, high) {
  const steps = Math.log10(high / low) > 3 ? [1] : Math.log10(high / low) > 1.2 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) found.push(tick);
    }
  return found;
}

/** 12,000,000 as 12M. */
export function short(value) {
  const [scale, suffix] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
    [1, ''],
  ].find(([least]) => value >= least) ?? [1, ''];
  return `${Number((value / scale).toPrecision(3))}${suffix}`;
}

/** From data to pixels; a range that is a point gets room on both sides. */
function axis(values, from, to) {
  const low = Math.min(...values) / 1.3;
  const high = Math.max(...values) * 1.3;
  const at = (value) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low);
  return { at, ticks: ticks(low, high) };
}

/** lines: [{ name, color, points: [[x, y], …] }]; labels: { x, y }. */
export function plot(lines, labels) {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return '';
  const x = axis(
    points.map(([value]) => value),
    edge.left,
    width - edge.right,
  );
  const y = axis(
    points.map(([, value]) => value),
    height - edge.bottom,
    edge.top,
  );
  const px = (value) => value.toFixed(1);
  const marks = [
    ...x.ticks.map(
      (tick) =>
        `<text x="${px(x.at(tick))}" y="${height - edge.bottom + 14}" text-anchor="middle">${short(tick)}</text>`,
    ),
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${edge.left}" x2="${width - edge.right}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/>` +
        `<text x="${edge.left - 5}" y="${px(y.at(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
    ),
  ];
  const drawn = lines.map(({ name, color, points: own }) => {
    const path = own.map(([a, b]) => `${px(x.at(a))},${px(y.at(b))}`).join(' ');
    const dots = own.map(
      ([a, b]) =>
        `<circle cx="${px(x.at(a))}" cy="${px(y.at(b))}" r="3.5" fill="${color}"><title>${escaped(name)}: ${short(b)} ${labels.y} at ${short(a)} ${labels.x}</title></circle>`,
    );
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.8"/>${dots.join('')}`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${labels.y} against ${labels.x}">
<text x="4" y="12">${labels.y}</text><text x="${width - edge.right}" y="${height - 3}" text-anchor="end">${labels.x}</text>
${marks.join('')}${drawn.join('')}</svg>`;
}
