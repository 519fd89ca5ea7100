package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Tier.class)
class GateWeightsTest {
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final Kernels ORACLE = Kernels.of(Tier.SCALAR);

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void agreesWithTheOracle() {
    for (int experts : new int[] {1, 3, 4, 7, 8, 9, 15, 16, 17, 33, 64, 128, 300, 1024}) {
      for (int k : new int[] {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 40}) {
        for (float spread : new float[] {0.1f, 3f, 60f}) {
          long seed = experts * 100L + k;
          Random random = new Random(seed);
          float[] logits = new float[experts];
          int[] ids = new int[k];
          for (int e = 0; e < experts; e++) {
            logits[e] = random.nextInt(20) == 0 ? special(random) : gaussian(random, spread);
          }
          for (int i = 0; i < k; i++) {
            ids[i] = random.nextInt(experts + 1) - 1;
          }
          for (Denominator over : Denominator.values()) {
            String what = over + ", experts " + experts + ", k " + k + ", seed " + seed;
            float[] expected = weights(ORACLE, logits, ids, over, 0);
            float[] actual = weights(kernels, logits, ids, over, random.nextInt(4));
            for (int i = 0; i < k; i++) {
              double error = Math.abs((double) expected[i] - actual[i]);
              // Rounding of z - max, up to 2^-24 of it, is what the exponent adds; the rest is exp,
              // sum and division.
              double tolerance = expected[i] * (2e-6 + spread * 1e-6) + Float.MIN_NORMAL;
              assertTrue(error <= tolerance, what + ": " + expected[i] + " but " + actual[i]);
            }
          }
        }
      }
    }
  }

  private static float gaussian(Random random, float spread) {
    return (float) (random.nextGaussian() * spread);
  }

  private static float special(Random random) {
    return random.nextBoolean() ? Float.NaN : Float.NEGATIVE_INFINITY;
  }

  @Test
  void sumsToOneOverTheSelected() {
    float[] weights =
        weights(kernels, new float[] {1, 2, 3, 4}, new int[] {3, 1}, Denominator.SELECTED, 0);
    assertEquals(1f, weights[0] + weights[1], 1e-6f);
    assertEquals(Math.exp(2), weights[0] / weights[1], 1e-5);
  }

  @Test
  void limits() {
    for (Denominator over : Denominator.values()) {
      for (float nan : new float[] {Float.NaN, RouteLogits.SIGNALLING}) {
        assertArrayEquals(
            new float[] {0.5f, 0.5f, 0, 0},
            weights(kernels, new float[] {INF, INF, 3, nan}, new int[] {0, 1, 2, 3}, over, 0));
        assertArrayEquals(
            new float[] {0, 0, 0},
            weights(kernels, new float[] {nan, -INF}, new int[] {0, 1, -1}, over, 0));
        assertArrayEquals(
            new float[] {1, 0, 0, 0, 0},
            weights(kernels, new float[] {7, 3, 3, 3, nan}, new int[] {0, -1, -1, -1, 4}, over, 0),
            0.1f);
      }
      assertArrayEquals(
          new float[] {0.5f, 0.5f},
          weights(kernels, new float[] {-3.4e38f, -3.4e38f}, new int[] {0, 1}, over, 0));
      assertArrayEquals(
          new float[] {1, 0},
          weights(kernels, new float[] {3e38f, -3e38f}, new int[] {0, 1}, over, 0));
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (GuardedMemory memory = new GuardedMemory(0)) {
      MemorySegment z = memory.floats(1, 2, 3);
      MemorySegment out = memory.allocate(8);
      for (int bad : new int[] {-2, 3, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
        refused(z, 3, memory.ints(0, bad), 2, out);
      }
      MemorySegment ids = memory.ints(0, 1);
      refused(z, 4, ids, 2, out);
      refused(z, -1, ids, 2, out);
      refused(z, 3, ids, 3, memory.allocate(12));
      refused(z, 3, memory.ints(0, 1, 2), 3, out);
      refused(z, 3, ids, -1, out);
    }
  }

  private void refused(
      MemorySegment z, int experts, MemorySegment ids, int k, MemorySegment weights) {
    assertThrows(
        IllegalArgumentException.class,
        () -> kernels.gateWeights(z, experts, ids, k, Denominator.ALL, weights));
  }

  private static float[] weights(
      Kernels kernels, float[] logits, int[] ids, Denominator over, int gap) {
    try (GuardedMemory memory = new GuardedMemory(gap)) {
      MemorySegment out = memory.allocate(4L * ids.length);
      kernels.gateWeights(
          memory.floats(logits), logits.length, memory.ints(ids), ids.length, over, out);
      return out.toArray(JAVA_FLOAT_UNALIGNED);
    }
  }
}
