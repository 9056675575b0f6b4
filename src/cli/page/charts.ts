// Barcodes, a line per feature at one height in both fields, and the persistence diagram of both.

const barcodeHeight = 220;
const grey = '#999';

/** Where values lie between two ends of an axis; what is beyond the field's range, such as infinity, at its end. */
function axis([low, high]: readonly [number, number], from: number, to: number): (value: number) => number {
  const span = high > low ? high - low : 1;
  return (value) => from + (Math.min(1, Math.max(0, (value - low) / span)) || 0) * (to - from);
}

function barcodeAxis(look: Look, early: 'high' | 'low', width: number): (value: number) => number {
  return early === 'high' ? axis(look.scene.range, width - 8, 8) : axis(look.scene.range, 8, width - 8);
}

const rowHeight = (look: Look): number =>
  Math.min(14, (barcodeHeight - 24) / Math.max(1, look.features.length));

function drawBarcode(canvas: HTMLCanvasElement, side: Side, look: Look, early: 'high' | 'low'): void {
  const { context, width, height } = surfaceOf(canvas, barcodeHeight);
  const at = barcodeAxis(look, early, width);
  const [low, high] = look.scene.range;
  context.fillStyle = grey;
  context.font = '11px system-ui, sans-serif';
  for (const value of [low, (low + high) / 2, high]) {
    context.textAlign = at(value) < width / 3 ? 'left' : at(value) > (2 * width) / 3 ? 'right' : 'center';
    context.fillText(short(value), at(value), height - 5);
  }
  const row = rowHeight(look);
  look.features.forEach((feature, i) => {
    const bar = feature[side];
    if (bar === undefined) return;
    context.globalAlpha = look.hovered === undefined || look.hovered === feature ? 1 : 0.3;
    context.fillStyle = feature.colour;
    const [from, to] = [at(bar.birth), at(bar.death)].sort((a, b) => a - b) as [number, number];
    context.fillRect(from, 4 + i * row, Math.max(1, to - from), Math.max(0.6, 0.7 * row));
  });
}

function featureInBarcode(side: Side, look: Look, y: number): Feature | undefined {
  const feature = look.features[Math.floor((y - 4) / rowHeight(look))];
  return feature?.[side] && feature;
}

function diagramPlace(look: Look, size: number, bar: Bar | undefined): [number, number] | undefined {
  if (bar === undefined) return undefined;
  return [axis(look.scene.range, 34, size - 10)(bar.birth), axis(look.scene.range, size - 30, 10)(bar.death)];
}

function drawDiagram(canvas: HTMLCanvasElement, look: Look): void {
  const { context, width: size } = surfaceOf(canvas, canvas.clientWidth);
  const [low, high] = look.scene.range;
  const [x, y] = [axis(look.scene.range, 34, size - 10), axis(look.scene.range, size - 30, 10)];
  context.strokeStyle = grey;
  context.strokeRect(x(low), y(high), x(high) - x(low), y(low) - y(high));
  context.beginPath();
  context.moveTo(x(low), y(low));
  context.lineTo(x(high), y(high));
  context.setLineDash([4, 4]);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = grey;
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'center';
  context.fillText('birth', (x(low) + x(high)) / 2, size - 8);
  context.fillText(short(low), x(low), size - 16);
  context.textAlign = 'right';
  context.fillText(short(high), x(high), size - 16);
  context.fillText(short(high), x(low) - 4, y(high) + 8);
  context.save();
  context.translate(14, (y(low) + y(high)) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText('death', 0, 0);
  context.restore();

  // the longest, which stand first among their kind, on top
  for (const feature of [...look.features].reverse()) {
    const [p, t] = sides.map((side) => diagramPlace(look, size, feature[side]));
    const large = look.hovered === feature ? 3 : 0;
    context.globalAlpha = look.hovered === undefined || look.hovered === feature ? 0.9 : 0.2;
    context.strokeStyle = context.fillStyle = feature.colour;
    context.beginPath();
    if (p && t) {
      context.moveTo(...p);
      context.lineTo(...t);
      context.stroke();
    }
    if (t) context.fillRect(t[0] - 4 - large, t[1] - 4 - large, 8 + 2 * large, 8 + 2 * large);
    if (!p) continue;
    context.beginPath();
    context.arc(...p, 4.5 + large, 0, 2 * Math.PI);
    context.fill();
  }
}

function featureInDiagram(canvas: HTMLCanvasElement, look: Look, x: number, y: number): Feature | undefined {
  return nearest(look.features, x, y, (feature) =>
    sides.map((side) => diagramPlace(look, canvas.clientWidth, feature[side])),
  );
}

function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}
