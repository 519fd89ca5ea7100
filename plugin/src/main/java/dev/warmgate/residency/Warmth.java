package dev.warmgate.residency;

/**
 * How much a layer wants each of its experts; only comparisons of one layer's values mean anything.
 */
@FunctionalInterface
public interface Warmth {
  /** The value of an expert, higher for what is wanted more. */
  float of(int expert);
}
