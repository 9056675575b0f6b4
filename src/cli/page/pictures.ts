// A field as a grey picture, one slice of it in 3-D, tinted where its features are, with their births and deaths on top.

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
  readonly regions: { readonly [K in Side]?: Regions };
  readonly hovered: Feature | undefined;
  readonly slice: number;
}

function drawPicture(canvas: HTMLCanvasElement, side: Side, look: Look): void {
  const { scene, features, hovered, slice } = look;
  const [, rows, columns] = scene.extents;
  const { context, width, height } = surfaceOf(canvas, (canvas.clientWidth * rows) / columns);
  context.imageSmoothingEnabled = false;
  context.drawImage(tinted(side, look), 0, 0, width, height);
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

function tinted(side: Side, look: Look): HTMLCanvasElement {
  const [, rows, columns] = look.scene.extents;
  const picture = Object.assign(document.createElement('canvas'), { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  const regions = look.regions[side];
  const tints = regions && tintsOf(regions, look);
  const first = look.slice * rows * columns;
  for (let i = 0; i < rows * columns; i++) {
    const grey = look.scene[side][first + i] as number;
    const tint = tints?.[regions?.labels[first + i] as number];
    for (let channel = 0; channel < 3; channel++) {
      const colour = tint ? (tint.rgb[channel] as number) : grey;
      image.data[4 * i + channel] = grey + (colour - grey) * (tint?.strength ?? 0);
    }
    image.data[4 * i + 3] = 255;
  }
  picture.getContext('2d')?.putImageData(image, 0, 0);
  return picture;
}

interface Tint {
  readonly rgb: readonly number[];
  readonly strength: number;
}

/** By bar. What is too short to be shown is part of what is around it, and so is all that lies inside the hovered one. */
function tintsOf(regions: Regions, { features, hovered }: Look): (Tint | undefined)[] {
  const shown = new Set(features);
  return Array.from(regions.features, (_, bar) => {
    if (hovered && isInside(regions, bar, hovered)) return { rgb: rgbOf(hovered.colour), strength: 0.7 };
    const feature = shownAround(regions, bar, shown);
    return feature && { rgb: rgbOf(feature.colour), strength: hovered ? 0.1 : 0.4 };
  });
}

function isInside({ parents, features }: Regions, bar: number, feature: Feature): boolean {
  let at = bar;
  while (at >= 0 && features[at] !== feature) at = parents[at] as number;
  return at >= 0;
}

/** The smallest feature around a bar, itself included, that is shown. */
function shownAround(
  { parents, features }: Regions,
  bar: number,
  shown: ReadonlySet<Feature>,
): Feature | undefined {
  let at = bar;
  while (at >= 0 && !shown.has(features[at] as Feature)) at = parents[at] as number;
  return features[at];
}

const rgbs = new Map<string, readonly number[]>();

/** A colour of CSS as red, green and blue. */
function rgbOf(colour: string): readonly number[] {
  const known = rgbs.get(colour);
  if (known !== undefined) return known;
  const dot = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const context = dot.getContext('2d') as CanvasRenderingContext2D;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const rgb = [...context.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
  rgbs.set(colour, rgb);
  return rgb;
}

/** The feature whose birth or death is near a point of the picture, else the one that the point lies in. */
function featureAt(
  canvas: HTMLCanvasElement,
  side: Side,
  look: Look,
  x: number,
  y: number,
): Feature | undefined {
  const [, rows, columns] = look.scene.extents;
  const scale = canvas.clientWidth / columns;
  const marked = nearest(look.features, x, y, (feature) => {
    const bar = feature[side];
    if (bar === undefined) return [];
    return [bar.birthIndex, bar.deathIndex].map((index) => placeOf(index, look.scene, look.slice, scale));
  });
  const regions = look.regions[side];
  if (marked || !regions) return marked;
  const [row, column] = [Math.floor(y / scale), Math.floor(x / scale)];
  const bar = regions.labels[(look.slice * rows + row) * columns + column] ?? -1;
  return shownAround(regions, bar, new Set(look.features));
}

function nearest(
  features: readonly Feature[],
  x: number,
  y: number,
  places: (feature: Feature) => readonly ([number, number] | undefined)[],
): Feature | undefined {
  let found: Feature | undefined;
  let least = 10;
  for (const feature of features) {
    for (const place of places(feature)) {
      const distance = place === undefined ? Infinity : Math.hypot(place[0] - x, place[1] - y);
      if (distance < least) [found, least] = [feature, distance];
    }
  }
  return found;
}
