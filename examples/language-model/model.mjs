// A transformer of one block, of plain tfjs operations: what it says of each place in a sequence is a vector, `hidden`.
// Multiplied by the classifier it would be logits; training never does that, and speaking does it for one place at a time.

export class Transformer {
  /** `known` words have an embedding; the classifier has one row per word of the whole vocabulary. */
  constructor(tf, { known, vocabulary, length, dim }) {
    const normal = (shape, deviation) =>
      tf.variable(tf.randomNormal(shape, 0, deviation, 'float32', Transformer.seed++));
    const layer = (from, to) => normal([from, to], 1 / Math.sqrt(from));
    Object.assign(this, { tf, known, length, dim });
    this.words = normal([known, dim], 0.5);
    this.places = normal([length, dim], 0.1);
    this.query = layer(dim, dim);
    this.key = layer(dim, dim);
    this.value = layer(dim, dim);
    this.widen = layer(dim, 4 * dim);
    this.narrow = layer(4 * dim, dim);
    this.classifier = normal([vocabulary, dim], 1 / Math.sqrt(dim));
    const future = Array.from({ length }, (_, row) =>
      Array.from({ length }, (_, column) => (column > row ? -1e9 : 0)),
    );
    this.future = tf.keep(tf.tensor(future));
  }

  /** [batch, length] of word ids to hidden [batch, length, dim]. */
  hidden(ids) {
    const { tf } = this;
    // one-hot times matrix, since the wasm backend has no gradient of a lookup
    const embedded = this.#product(tf.oneHot(ids, this.known), this.words);
    const x = tf.add(embedded, this.places);
    const attended = tf.add(x, this.#attention(this.#normalized(x)));
    const wide = tf.relu(this.#product(this.#normalized(attended), this.widen));
    return this.#normalized(tf.add(attended, this.#product(wide, this.narrow)));
  }

  /** The likeliest word after the sequence's place `at`. */
  next(ids, at) {
    const { tf, dim, classifier } = this;
    return tf.tidy(() => {
      const last = tf.slice(this.hidden(ids), [0, at, 0], [1, 1, dim]);
      return tf.argMax(tf.matMul(tf.reshape(last, [1, dim]), classifier, false, true), -1).dataSync()[0];
    });
  }

  /** Each place looks at itself and those before it. */
  #attention(x) {
    const { tf } = this;
    const [query, key, value] = [this.query, this.key, this.value].map((weights) =>
      this.#product(x, weights),
    );
    const scores = tf.div(tf.matMul(query, key, false, true), Math.sqrt(this.dim));
    return tf.matMul(tf.softmax(tf.add(scores, this.future)), value);
  }

  #normalized(x) {
    const { tf } = this;
    const centered = tf.sub(x, tf.mean(x, -1, true));
    return tf.mul(centered, tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), 1e-5)));
  }

  /** [..., from] by [from, to]. */
  #product(x, weights) {
    const { tf } = this;
    const [from, to] = weights.shape;
    const flat = tf.matMul(tf.reshape(tf.cast(x, 'float32'), [-1, from]), weights);
    return tf.reshape(flat, [...x.shape.slice(0, -1), to]);
  }
}
Transformer.seed = 1;
