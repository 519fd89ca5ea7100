package dev.warmgate.benchmarks.dispatch;

import dev.warmgate.routing.dispatch.ChaCha8Random;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A setting made concrete by a seed, as the published benchmark does it; its seed is {@link
 * #PUBLISHED_SEED}. The gate, which the published methods ignore, is standard normal logits.
 */
final class Workload {
  static final long PUBLISHED_SEED = 42;

  private static final double DENSITY = 0.3;
  private static final long PERMUTATIONS = 7777;

  /** The published program times five calls with seeds one after the other and keeps the last. */
  private static final long LAST_CALL = 4;

  private final Setting setting;
  private final long seed;
  private final double[] relative;
  private final int[] capacities;
  private final long[] sources;
  private final long[] targets;
  private final int[] sourcePermutation;
  private final int[] targetPermutation;
  private final float[] logits;

  /**
   * Builds a workload.
   *
   * @param logits gets the gate, {@code [N, N]}; callers share the array between workloads
   */
  Workload(Setting setting, long seed, float[] logits) {
    this.setting = setting;
    this.seed = seed;
    this.logits = logits;
    int n = setting.size();
    relative = relativeCapacities(n, seed);
    double total = Arrays.stream(relative).sum();
    capacities =
        Arrays.stream(relative)
            .mapToInt(
                c ->
                    (int) Math.max(1, Math.ceil(c / total * setting.places() * setting.headroom())))
            .toArray();
    int[] sourceOnes = new int[n];
    Arrays.fill(sourceOnes, (int) Math.round(DENSITY * n));
    sources = bits(sourceOnes);
    double mean = total / n;
    targets =
        bits(
            Arrays.stream(relative)
                .mapToInt(c -> Math.clamp(Math.round(c / mean * DENSITY * n), 1, n))
                .toArray());
    ChaCha8Random random = new ChaCha8Random(seed + PERMUTATIONS);
    sourcePermutation = random.permutation(n);
    targetPermutation = random.permutation(n);
    RandomGenerator gate = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    for (int i = 0; i < n * n; i++) {
      logits[i] = (float) gate.nextGaussian();
    }
  }

  Setting setting() {
    return setting;
  }

  /** What the methods' own draws are seeded with. */
  long routeSeed() {
    return seed + LAST_CALL;
  }

  /** 1, 2 or 8 for each target. */
  double[] relative() {
    return relative;
  }

  /** How many rows each target takes. */
  int[] capacities() {
    return capacities;
  }

  long[] sources() {
    return sources;
  }

  long[] targets() {
    return targets;
  }

  int[] sourcePermutation() {
    return sourcePermutation;
  }

  int[] targetPermutation() {
    return targetPermutation;
  }

  float[] logits() {
    return logits;
  }

  private static double[] relativeCapacities(int n, long seed) {
    int eightfold = (int) (n * 0.1);
    int twofold = (int) (n * 0.2);
    int[] order = new ChaCha8Random(seed).permutation(n);
    double[] capacities = new double[n];
    for (int i = 0; i < n; i++) {
      int unshuffled = order[i];
      capacities[i] = unshuffled < eightfold ? 8 : unshuffled < eightfold + twofold ? 2 : 1;
    }
    return capacities;
  }

  private static long[] bits(int[] ones) {
    int words = (ones.length + 63) / 64;
    long[] bits = new long[ones.length * words];
    for (int row = 0; row < ones.length; row++) {
      for (int bit = 0; bit < ones[row]; bit++) {
        bits[row * words + bit / 64] |= 1L << bit;
      }
    }
    return bits;
  }
}
