package dev.warmgate.benchmarks.quantised;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A layer of experts with SwiGLU.
 *
 * @param hidden H
 * @param inner I
 * @param experts E
 * @param topK how many of them a token selects
 * @param weights how they are stored
 */
record LayerShape(int hidden, int inner, int experts, int topK, Weights weights) {
  private static final int MAX_EXPERTS = 1 << 16;
  private static final Pattern SIZES = Pattern.compile("([1-9]\\d{0,4})x([1-9]\\d{0,4})");

  /**
   * Reads {@code 2048x768}.
   *
   * @throws IllegalArgumentException in one line, if it can't be a layer
   */
  static LayerShape parse(String text, int experts, int topK, Weights weights) {
    Matcher sizes = SIZES.matcher(text);
    if (!sizes.matches()) {
      throw new IllegalArgumentException("--shapes " + text + ": say hidden and inner as 2048x768");
    }
    int hidden = Integer.parseInt(sizes.group(1));
    int inner = Integer.parseInt(sizes.group(2));
    int step = weights.columnStep();
    if (hidden % step != 0 || inner % step != 0) {
      throw new IllegalArgumentException(
          "--shapes %s: both must be multiples of %d".formatted(text, step));
    }
    if (experts < 1 || experts > MAX_EXPERTS) {
      throw new IllegalArgumentException(
          "--experts %d: not from 1 to %d".formatted(experts, MAX_EXPERTS));
    }
    if (topK < 1 || topK > experts) {
      throw new IllegalArgumentException(
          "--top-k %d: not from 1 to %d experts".formatted(topK, experts));
    }
    return new LayerShape(hidden, inner, experts, topK, weights);
  }

  /** Bytes of all weights and scales. */
  long bytes() {
    return experts * weights.bytes(3L * hidden * inner);
  }

  @Override
  public String toString() {
    return "H=%d I=%d".formatted(hidden, inner);
  }
}
