// The page: what is chosen (pair, dimension, slice, shortest bar, the feature under the mouse), and drawing all of it anew
// whenever that changes.

const element = <T extends HTMLElement>(selector: string): T => document.querySelector(selector) as T;
const report = readJson<ReportIndex>('index');
const early = report.options.filtration === 'superlevel' ? 'high' : 'low';
const kinds = ['components', 'loops', 'cavities'];
const names = ['Component', 'Loop', 'Cavity'];

const [shortest, slicing] = [element<HTMLInputElement>('#shortest'), element<HTMLInputElement>('#slice')];
const tip = element('#tip');
const diagram = element<HTMLCanvasElement>('#diagram');
const pictureOf = (side: Side) => element<HTMLCanvasElement>(`#${side}-picture`);
const barcodeOf = (side: Side) => element<HTMLCanvasElement>(`#${side}-barcode`);

let scene: Scene;
let chosen = 0; // the place in scene.dimensions
let hovered: Feature | undefined;

function look(): Look {
  const dimension = scene.dimensions[chosen] as Dimension;
  const features = dimension.features.filter((feature) => lengthOf(feature) >= Number(shortest.value));
  return { scene, features, regions: dimension.regions, hovered, slice: Number(slicing.value) };
}

function draw(): void {
  const now = look();
  for (const side of sides) {
    drawPicture(pictureOf(side), side, now);
    drawBarcode(barcodeOf(side), side, now, early);
  }
  drawDiagram(diagram, now);
  const { features, omitted } = scene.dimensions[chosen] as Dimension;
  const hidden = features.length - now.features.length + omitted;
  const count = (predicate: (feature: Feature) => unknown): number => now.features.filter(predicate).length;
  element('#counts').textContent =
    `${count(({ prediction, target }) => prediction && target)} matched, ` +
    `${count(({ target }) => !target)} only in the prediction, ` +
    `${count(({ prediction }) => !prediction)} only in the target, ${hidden} shorter ones hidden`;
  for (const input of [shortest, slicing])
    (input.nextElementSibling as HTMLOutputElement).value = short(Number(input.value));
}

// ── hovering ──

function hover(feature: Feature | undefined, event: MouseEvent): void {
  tip.hidden = feature === undefined;
  if (feature !== undefined) {
    tip.textContent = describe(feature);
    tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8)}px`;
  }
  if (feature === hovered) return;
  hovered = feature;
  draw();
}

function describe(feature: Feature): string {
  const kind = names[(scene.dimensions[chosen] as Dimension).dimension];
  const line = (side: Side): string[] => {
    const bar = feature[side];
    return bar ? [`${side}: birth ${short(bar.birth)}, death ${short(bar.death)}`] : [];
  };
  const both = feature.prediction && feature.target;
  return [`${kind}, ${both ? 'matched' : 'without a counterpart'}`, ...sides.flatMap(line)].join('\n');
}

function onHover(canvas: HTMLCanvasElement, find: (x: number, y: number) => Feature | undefined): void {
  canvas.addEventListener('mousemove', (event) => hover(find(event.offsetX, event.offsetY), event));
  canvas.addEventListener('mouseleave', (event) => hover(undefined, event));
}

for (const side of sides) {
  onHover(pictureOf(side), (x, y) => featureAt(pictureOf(side), side, look(), x, y));
  onHover(barcodeOf(side), (_, y) => featureInBarcode(side, look(), y));
}
onHover(diagram, (x, y) => featureInDiagram(diagram, look(), x, y));

// ── choosing ──

async function choosePair(pair: number): Promise<void> {
  scene = await readScene(pair);
  hovered = undefined;
  chosen = Math.min(chosen, scene.dimensions.length - 1);
  const [low, high] = scene.range;
  shortest.max = `${high - low || 1}`;
  shortest.step = `${(high - low || 1) / 100}`;
  shortest.value = `${(high - low) / 10}`; // what noise makes is mostly shorter
  const depth = scene.extents[0];
  element('#slicing').hidden = depth === 1;
  slicing.max = `${depth - 1}`;
  slicing.value = `${depth >> 1}`;
  showDimensions();
  document.querySelectorAll('tbody tr').forEach((row, i) => {
    row.classList.toggle('chosen', i === pair);
  });
  draw();
}

function showDimensions(): void {
  const choices = scene.dimensions.map(({ dimension }, i) => {
    const input = Object.assign(document.createElement('input'), { type: 'radio', name: 'dimension' });
    input.checked = i === chosen;
    input.addEventListener('change', () => {
      chosen = i;
      draw();
    });
    const label = document.createElement('label');
    label.append(input, kinds[dimension] as string);
    return label;
  });
  element('#dimensions').replaceChildren(...choices);
}

function rowOf(tag: 'td' | 'th', cells: readonly (string | number)[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  for (const text of cells) {
    const cell = document.createElement(tag);
    cell.textContent = `${text}`;
    row.append(cell);
  }
  return row;
}

function showPairs(): void {
  const head = document.createElement('thead');
  const heads = ['pair', 'Betti numbers', 'of the target', 'Betti number error', 'Betti matching error'];
  head.append(rowOf('th', heads));
  const body = document.createElement('tbody');
  report.pairs.forEach(({ name, bettiNumbers, bettiNumberError, bettiMatchingError }, i) => {
    const counts = sides.map((side) => bettiNumbers[side].join(' '));
    const row = rowOf('td', [name, ...counts, bettiNumberError, bettiMatchingError]);
    row.addEventListener('click', () => choosePair(i));
    body.append(row);
  });
  element('#pairs table').replaceChildren(head, body);
}

const { filtration, border, threshold } = report.options;
element('#about').textContent =
  `The numbers are those of the masks at the threshold ${threshold}, ` +
  `pictures and bars those of the fields as they are; ${filtration}, ${border} border.`;
showPairs();
for (const input of [shortest, slicing]) input.addEventListener('input', draw);
element('#controls').addEventListener('submit', (event) => event.preventDefault());
window.addEventListener('resize', draw);
choosePair(0);
