package dev.warmgate.benchmarks;

/** Random numbers that are a function of a seed and of their place: none depends on another. */
public final class Noise {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;
  private static final int PARTS = 4;
  private static final int PART_BITS = 16;

  private final long seed;

  /** Another seed gives other numbers. */
  public Noise(long seed) {
    this.seed = mix(seed * GOLDEN + 1);
  }

  /** Uniform from -1 up to 1. */
  public float uniform(long place) {
    return (mix(seed + place * GOLDEN) >> 40) * 0x1p-23f;
  }

  /** Above 0, below 1. */
  public double share(long place) {
    return ((mix(seed + place * GOLDEN) >>> 12) + 0.5) * 0x1p-52;
  }

  /** Close to a normal distribution, with mean 0 and variance 1: a sum of four uniform ones. */
  public float normal(long place) {
    long bits = mix(seed + place * GOLDEN);
    long sum = 0;
    for (int part = 0; part < PARTS; part++) {
      sum += bits >>> (part * PART_BITS) & 0xFFFF;
    }
    // Each part has a variance of 1/12, the sum one of 1/3.
    return (float) ((sum * 0x1p-16 - 0.5 * PARTS) * Math.sqrt(12.0 / PARTS));
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
