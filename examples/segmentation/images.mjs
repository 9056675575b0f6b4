// Noisy pictures of rings, some of which touch, with stretches that are nearly as dark as what is around them; and the
// masks of the whole rings.

export const SIZE = 48;

/** A small generator of numbers in [0, 1), the same on every run. */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function ring(random) {
  const radius = 6 + 6 * random();
  const inside = () => radius + 2 + (SIZE - 2 * radius - 4) * random();
  return { row: inside(), column: inside(), radius, faint: 2 * Math.PI * random() };
}

export function makeImage(random) {
  const rings = Array.from({ length: 2 }, () => ring(random));
  const image = new Float32Array(SIZE * SIZE);
  const mask = new Float32Array(SIZE * SIZE);
  for (let pixel = 0; pixel < image.length; pixel++) {
    let brightness = 0;
    for (const { row, column, radius, faint } of rings) {
      const [y, x] = [Math.floor(pixel / SIZE) - row, (pixel % SIZE) - column];
      if (Math.abs(Math.hypot(y, x) - radius) > 1.2) continue;
      mask[pixel] = 1;
      const clear = Math.abs(Math.sin((Math.atan2(y, x) - faint) / 2)) > 0.25;
      brightness = Math.max(brightness, clear ? 1 : 0.3);
    }
    image[pixel] = brightness + 0.9 * (random() + random() - 1);
  }
  return { image, mask };
}
