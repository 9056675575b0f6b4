// A field as a grey picture, one slice of it in 3-D, with the births and deaths of its features on top.

/** A canvas made ready for sharp lines: its context in CSS pixels, and its size in them. */
interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

function surfaceOf(canvas: HTMLCanvasElement, height: number): Surface {
  const { devicePixelRatio: ratio } = window;
  const width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.scale(ratio, ratio);
  return { context, width, height };
}

interface Look {
  readonly scene: Scene;
  /** What is long enough to be shown. */
  readonly features: readonly Feature[];
  readonly hovered: Feature | undefined;
  readonly slice: number;
}

function drawPicture(canvas: HTMLCanvasElement, side: Side, { scene, features, hovered, slice }: Look): void {
  const [, rows, columns] = scene.extents;
  const { context, width, height } = surfaceOf(canvas, (canvas.clientWidth * rows) / columns);
  context.imageSmoothingEnabled = false;
  context.drawImage(greyPicture(scene[side], slice, rows, columns), 0, 0, width, height);
  const shown =
    hovered === undefined ? features : [...features.filter((other) => other !== hovered), hovered];
  for (const feature of shown) {
    const bar = feature[side];
    if (bar === undefined) continue;
    context.globalAlpha = hovered === undefined || hovered === feature ? 1 : 0.25;
    const size = hovered === feature ? 8 : 5;
    const at = (index: number): [number, number] | undefined => placeOf(index, scene, slice, width / columns);
    mark(context, at(bar.deathIndex), size, feature, false);
    mark(context, at(bar.birthIndex), size, feature, true);
  }
}

/** The middle of a voxel in the picture, where the slice shows it. */
function placeOf(index: number, scene: Scene, slice: number, scale: number): [number, number] | undefined {
  const [, rows, columns] = scene.extents;
  if (index < 0 || Math.floor(index / (rows * columns)) !== slice) return undefined;
  const row = Math.floor(index / columns) % rows;
  return [((index % columns) + 0.5) * scale, (row + 0.5) * scale];
}

function mark(
  context: CanvasRenderingContext2D,
  place: [number, number] | undefined,
  size: number,
  feature: Feature,
  filled: boolean,
): void {
  if (place === undefined) return;
  const [x, y] = place;
  context.beginPath();
  context.arc(x, y, size, 0, 2 * Math.PI);
  context.lineWidth = filled ? 1.5 : 2.5;
  if (filled) {
    context.fillStyle = feature.colour;
    context.fill();
  }
  context.strokeStyle = filled ? '#fff' : feature.colour;
  context.stroke();
  if (!filled || (feature.prediction && feature.target)) return;
  context.beginPath();
  for (const slant of [-1, 1]) {
    context.moveTo(x - 1.6 * size, y - 1.6 * size * slant);
    context.lineTo(x + 1.6 * size, y + 1.6 * size * slant);
  }
  context.strokeStyle = feature.colour;
  context.lineWidth = 2.5;
  context.stroke();
}

function greyPicture(field: Uint8Array, slice: number, rows: number, columns: number): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  picture.width = columns;
  picture.height = rows;
  const image = new ImageData(columns, rows);
  const first = slice * rows * columns;
  for (let i = 0; i < rows * columns; i++) {
    const grey = field[first + i] as number;
    image.data.set([grey, grey, grey, 255], 4 * i);
  }
  picture.getContext('2d')?.putImageData(image, 0, 0);
  return picture;
}

/** The feature whose birth or death is nearest to a point of the picture, if it is near. */
function featureAt(
  canvas: HTMLCanvasElement,
  side: Side,
  look: Look,
  x: number,
  y: number,
): Feature | undefined {
  const scale = canvas.clientWidth / look.scene.extents[2];
  return nearest(look.features, x, y, (feature) => {
    const bar = feature[side];
    if (bar === undefined) return [];
    return [bar.birthIndex, bar.deathIndex].map((index) => placeOf(index, look.scene, look.slice, scale));
  });
}

function nearest(
  features: readonly Feature[],
  x: number,
  y: number,
  places: (feature: Feature) => readonly ([number, number] | undefined)[],
): Feature | undefined {
  let found: Feature | undefined;
  let least = 12;
  for (const feature of features) {
    for (const place of places(feature)) {
      const distance = place === undefined ? Infinity : Math.hypot(place[0] - x, place[1] - y);
      if (distance < least) [found, least] = [feature, distance];
    }
  }
  return found;
}
