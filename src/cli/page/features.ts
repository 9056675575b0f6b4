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

interface Dimension {
  readonly dimension: number;
  /** Matched ones first. */
  readonly features: readonly Feature[];
  readonly omitted: number;
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
  return { dimension, features: [...both, ...extra, ...missing], omitted };
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
