package dev.warmgate.benchmarks.quantised;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A layer of int4 experts with SwiGLU.
 *
 * @param hidden H, a multiple of {@link #BLOCK}
 * @param inner I, the same
 * @param experts E
 * @param topK how many of them a token selects
 */
record LayerShape(int hidden, int inner, int experts, int topK) {
  static final int BITS = 4;

  /** Weights that share a scale. */
  static final int BLOCK = 32;

  private static final Pattern SIZES = Pattern.compile("(\\d{2,5})x(\\d{2,5})");

  /**
   * Reads {@code 2048x768}.
   *
   * @throws IllegalArgumentException in one line, if it can't be a layer
   */
  static LayerShape parse(String text, int experts, int topK) {
    Matcher sizes = SIZES.matcher(text);
    if (!sizes.matches()) {
      throw new IllegalArgumentException("--shapes " + text + ": say hidden and inner as 2048x768");
    }
    int hidden = Integer.parseInt(sizes.group(1));
    int inner = Integer.parseInt(sizes.group(2));
    if (hidden % BLOCK != 0 || inner % BLOCK != 0) {
      throw new IllegalArgumentException(
          "--shapes %s: both must be multiples of %d".formatted(text, BLOCK));
    }
    if (topK < 1 || topK > experts) {
      throw new IllegalArgumentException(
          "--top-k %d: not from 1 to %d experts".formatted(topK, experts));
    }
    return new LayerShape(hidden, inner, experts, topK);
  }

  /** Bytes of all weights and scales. */
  long bytes() {
    long weights = 3L * hidden * inner;
    return experts * (weights * BITS / Byte.SIZE + weights / BLOCK * Float.BYTES);
  }

  @Override
  public String toString() {
    return "H=%d I=%d".formatted(hidden, inner);
  }
}
