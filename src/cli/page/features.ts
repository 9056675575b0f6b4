// From the data in the page to features: a component, loop or cavity of the prediction, of the target, or of both.

type ReportIndex = import('../report-data.js').ReportIndex;
type ReportPair = import('../report-data.js').ReportPair;
type ReportBars = import('../report-data.js').ReportBars;
type ReportDimension = import('../report-data.js').ReportDimension;

type Side = 'prediction' | 'target';
const sides: readonly Side[] = ['prediction', 'target'];

interface Bar {
  readonly birth: number;
  readonly death: number;
  /** Voxels, -1 for the padding. */
  readonly birthIndex: number;
  readonly deathIndex: number;
}

/** With both sides it is matched. */
interface Feature {
  readonly colour: string;
  readonly prediction?: Bar;
  readonly target?: Bar;
}

/** Where features are in a field: by voxel a bar or -1, and by bar the one around it; bars count as `features` does. */
interface Regions {
  readonly labels: Int32Array;
  readonly parents: Int32Array;
  readonly features: readonly Feature[];
}

interface Dimension {
  readonly dimension: number;
  /** Matched ones first. */
  readonly features: readonly Feature[];
  readonly omitted: number;
  readonly regions: { readonly [K in Side]?: Regions };
}

interface Scene {
  /** [depth, height, width]; the depth of a picture is 1. */
  readonly extents: readonly [number, number, number];
  readonly range: readonly [low: number, high: number];
  readonly prediction: Uint8Array;
  readonly target: Uint8Array;
  readonly dimensions: readonly Dimension[];
}

const alone = '#e0202a';

/** Hues that stay away from red, far apart from one to the next. */
function colourOf(feature: number): string {
  return `hsl(${40 + ((feature * 173) % 280)} 85% 45%)`;
}

function readJson<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? 'null');
}

async function unpack(packed: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(inflated).arrayBuffer();
}

async function unpackBars(packed: ReportBars): Promise<Bar[]> {
  const [birth, death] = [
    new Float32Array(await unpack(packed.birth)),
    new Float32Array(await unpack(packed.death)),
  ];
  const births = new Int32Array(await unpack(packed.birthIndex));
  const deaths = new Int32Array(await unpack(packed.deathIndex));
  return Array.from(birth, (value, i) => ({
    birth: value,
    death: death[i] as number,
    birthIndex: births[i] as number,
    deathIndex: deaths[i] as number,
  }));
}

async function unpackDimension({
  dimension,
  prediction,
  target,
  matched,
  omitted,
}: ReportDimension): Promise<Dimension> {
  const [ours, theirs] = [await unpackBars(prediction), await unpackBars(target)];
  const both = ours.slice(0, matched).map((bar, i) => ({
    colour: colourOf(i),
    prediction: bar,
    target: theirs[i] as Bar,
  }));
  const extra = ours.slice(matched).map((bar) => ({ colour: alone, prediction: bar }));
  const missing = theirs.slice(matched).map((bar) => ({ colour: alone, target: bar }));
  const regions = {
    ...(await unpackRegions('prediction', prediction, [...both, ...extra])),
    ...(await unpackRegions('target', target, [...both, ...missing])),
  };
  return { dimension, features: [...both, ...extra, ...missing], omitted, regions };
}

async function unpackRegions(
  side: Side,
  { labels, parents }: ReportBars,
  features: readonly Feature[],
): Promise<{ [K in Side]?: Regions }> {
  if (labels === undefined || parents === undefined) return {};
  const [voxels, bars] = [new Int32Array(await unpack(labels)), new Int32Array(await unpack(parents))];
  return { [side]: { labels: voxels, parents: bars, features } };
}

async function readScene(pair: number): Promise<Scene> {
  const { shape, range, prediction, target, dimensions } = readJson<ReportPair>(`pair-${pair}`);
  return {
    extents: (shape.length === 3 ? shape : [1, ...shape]) as [number, number, number],
    range,
    prediction: new Uint8Array(await unpack(prediction)),
    target: new Uint8Array(await unpack(target)),
    dimensions: await Promise.all(dimensions.map(unpackDimension)),
  };
}

function lengthOf({ prediction, target }: Feature): number {
  return Math.max(...[prediction, target].map((bar) => (bar ? Math.abs(bar.birth - bar.death) : 0)));
}
