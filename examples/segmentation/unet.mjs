// A small U-Net of plain tfjs operations: two levels down, two up, each joined to what went down beside it.

export class UNet {
  constructor(tf, channels = 8) {
    this.tf = tf;
    this.convolve = convolution(tf);
    this.seed = 1;
    this.down = [
      [this.#convolution(1, channels), this.#convolution(channels, channels)],
      [this.#convolution(channels, 2 * channels), this.#convolution(2 * channels, 2 * channels)],
    ];
    this.bottom = [
      this.#convolution(2 * channels, 4 * channels),
      this.#convolution(4 * channels, 4 * channels),
    ];
    this.up = [
      [this.#convolution(6 * channels, 2 * channels), this.#convolution(2 * channels, 2 * channels)],
      [this.#convolution(3 * channels, channels), this.#convolution(channels, channels)],
    ];
    this.out = this.#convolution(channels, 1, 1);
  }

  /** [batch, height, width, 1] of brightness to as many logits. */
  logits(images) {
    const { tf } = this;
    const beside = [];
    let x = images;
    for (const level of this.down) {
      x = this.#twice(x, level);
      beside.push(x);
      x = tf.maxPool(x, 2, 2, 'same');
    }
    x = this.#twice(x, this.bottom);
    for (const level of this.up) {
      const skipped = beside.pop();
      const [, height, width] = skipped.shape;
      x = this.#twice(tf.concat([tf.image.resizeNearestNeighbor(x, [height, width]), skipped], -1), level);
    }
    return this.#convolve(x, this.out);
  }

  variables() {
    const all = [...this.down, this.bottom, ...this.up].flat();
    return [...all, this.out].flatMap(({ weights, bias }) => [weights, bias]);
  }

  #convolution(from, to, width = 3) {
    const { tf } = this;
    const deviation = Math.sqrt(2 / (width * width * from));
    return {
      weights: tf.variable(tf.randomNormal([width, width, from, to], 0, deviation, 'float32', this.seed++)),
      bias: tf.variable(tf.zeros([to])),
    };
  }

  #twice(x, level) {
    return level.reduce((before, convolution) => this.tf.relu(this.#convolve(before, convolution)), x);
  }

  #convolve(x, { weights, bias }) {
    return this.tf.add(this.convolve(x, weights), bias);
  }
}

/** conv2d(x, weights) with 'same' padding, whose gradients are convolutions again: wasm has no other for the weights. */
function convolution(tf) {
  return tf.customGrad((x, weights, save) => {
    save([x, weights]);
    const gradFunc = (dy, [kept, filter]) => {
      const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
      const reach = (filter.shape[0] - 1) / 2;
      const edge = [reach, reach];
      const padded = tf.pad(kept, [[0, 0], edge, edge, [0, 0]]);
      // each channel of x is an image whose channels are the pictures of the batch, and dy the filter
      const byChannel = tf.transpose(padded, [3, 1, 2, 0]);
      const product = tf.conv2d(byChannel, tf.transpose(dy, [1, 2, 0, 3]), 1, 'valid');
      return [tf.conv2d(dy, turned, 1, 'same'), tf.transpose(product, [1, 2, 0, 3])];
    };
    return { value: tf.conv2d(x, weights, 1, 'same'), gradFunc };
  });
}
