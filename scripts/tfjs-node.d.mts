export function tfjsNodeFolder(): string | undefined;
export function requireTfjsNode(folder: string): typeof import('@tensorflow/tfjs');
