package dev.warmgate.kernels;

/**
 * Which of a test's many random cases run. By default all; with {@code -Dwarmgate.test.one_in=20},
 * for an emulated machine, one in twenty, always the same ones.
 */
final class Sample {
  private static final int ONE_IN = Integer.getInteger("warmgate.test.one_in", 1);
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Sample() {}

  /**
   * Whether a case runs.
   *
   * @param seed what tells the case from others; neighbours fall apart
   */
  static boolean takes(long seed) {
    return Long.remainderUnsigned((seed * GOLDEN) >>> 20, ONE_IN) == 0;
  }
}
