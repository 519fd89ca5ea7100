package dev.warmgate.residency;

/**
 * How much a layer wants each of its experts; only comparisons of one layer's values mean anything.
 */
@FunctionalInterface
public interface Warmth {
  /** The value of an expert, higher for what is wanted more. */
  float of(int expert);

  /** By how much an expert must be warmer than another to be worth the read that replaces it. */
  default float advantage() {
    return 0;
  }
}
