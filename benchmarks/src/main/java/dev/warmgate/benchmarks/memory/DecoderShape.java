package dev.warmgate.benchmarks.memory;

/**
 * Sizes of a generated decoder.
 *
 * @param layers each with experts
 * @param experts of a layer
 * @param topK how many of them a token selects
 * @param hidden width of the hidden states; at least one dimension for each expert of each layer
 * @param inner width of an expert's inner vectors
 */
record DecoderShape(int layers, int experts, int topK, int hidden, int inner) {
  /** Vectors of the kernels divide both widths. */
  private static final int STEP = 16;

  /** Beyond this the states, and not the experts, would be what is measured. */
  private static final int MAX_HIDDEN = 4096;

  /** The two halves of fc1 and fc2. */
  private static final int MATRICES = 3;

  DecoderShape {
    if (hidden < layers * experts) {
      throw new IllegalArgumentException(
          "%d dimensions can't tell %d experts apart".formatted(hidden, layers * experts));
    }
  }

  /**
   * The smallest decoder whose experts take so many bytes.
   *
   * @throws IllegalArgumentException if there are too many experts
   */
  static DecoderShape ofBytes(int layers, int experts, int topK, long bytes) {
    int all = layers * experts;
    int hidden = Math.ceilDiv(all, STEP) * STEP;
    if (hidden > MAX_HIDDEN) {
      throw new IllegalArgumentException(
          "%d layers of %d experts are more than %d experts; take fewer layers (--layers)"
              .formatted(layers, experts, MAX_HIDDEN));
    }
    long unit = (long) all * MATRICES * hidden * Float.BYTES * STEP;
    return new DecoderShape(
        layers, experts, topK, hidden, Math.toIntExact(Math.ceilDiv(bytes, unit)) * STEP);
  }

  /** Bytes of one expert. */
  long expertBytes() {
    return (long) MATRICES * hidden * inner * Float.BYTES;
  }

  /** Bytes of all experts. */
  long bytes() {
    return (long) layers * experts * expertBytes();
  }
}
