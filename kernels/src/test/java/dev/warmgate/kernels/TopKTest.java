package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Tier.class)
class TopKTest {
  private static final int[] EXPERTS = {
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 300,
    1000, 1024
  };
  private static final int[] KS = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 33};

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  private interface Logits {
    float next(Random random);
  }

  private static final List<Logits> KINDS =
      List.of(
          random -> (float) random.nextGaussian(),
          random -> random.nextInt(4),
          random -> random.nextInt(3) == 0 ? special(random) : (float) random.nextGaussian(),
          random -> special(random),
          random -> Float.NEGATIVE_INFINITY,
          random -> Float.NaN);

  private static float special(Random random) {
    float[] values = {
      Float.NaN,
      RouteLogits.SIGNALLING,
      Float.NEGATIVE_INFINITY,
      Float.POSITIVE_INFINITY,
      -0f,
      0f,
      Float.MIN_VALUE,
      -Float.MAX_VALUE,
      Float.MAX_VALUE
    };
    return values[random.nextInt(values.length)];
  }

  @Test
  void choosesTheBest() {
    for (int experts : EXPERTS) {
      for (int k : KS) {
        for (int kind = 0; kind < KINDS.size(); kind++) {
          long seed = experts * 1000L + k * 10L + kind;
          if (!Sample.takes(seed)) {
            continue;
          }
          Random random = new Random(seed);
          float[] logits = new float[experts];
          for (int e = 0; e < experts; e++) {
            logits[e] = KINDS.get(kind).next(random);
          }
          String what = "experts " + experts + ", k " + k + ", kind " + kind + ", seed " + seed;
          check(logits, null, 0f, k, 0, what);
          BitSet residents = new BitSet(experts);
          IntStream.range(0, experts).filter(e -> random.nextBoolean()).forEach(residents::set);
          float bias = (float) random.nextGaussian();
          check(logits, residents, bias, k, random.nextInt(4), what + ", bias " + bias);
        }
      }
    }
  }

  @Test
  void risingFallingAndEqualLogits() {
    for (int k : new int[] {1, 8, 16}) {
      float[] rising = new float[100];
      float[] falling = new float[100];
      for (int e = 0; e < 100; e++) {
        rising[e] = e;
        falling[e] = -e;
      }
      check(rising, null, 0f, k, 0, "rising");
      check(falling, null, 0f, k, 0, "falling");
      check(new float[100], null, 0f, k, 0, "equal");
    }
  }

  @Test
  void aBiasThatMovesAScoreToMinusInfinityRulesItOut() {
    BitSet first = new BitSet();
    first.set(0);
    check(new float[] {-3e38f, 1}, first, -3e38f, 2, 0, "overflow");
  }

  /** Against a sort. */
  private void check(float[] z, BitSet residents, float bias, int k, int gap, String what) {
    float[] score = z.clone();
    if (residents != null) {
      residents.stream().forEach(e -> score[e] += bias);
    }
    for (Ties ties : Ties.values()) {
      check(z, residents, bias, k, ties, gap, score, what + ", " + ties);
    }
  }

  private void check(
      float[] z,
      BitSet residents,
      float bias,
      int k,
      Ties ties,
      int gap,
      float[] score,
      String what) {
    int[] expected =
        Arrays.copyOf(
            IntStream.range(0, z.length)
                .filter(e -> score[e] > Float.NEGATIVE_INFINITY)
                .boxed()
                // 0f + x makes -0 equal to 0, as comparing floats does.
                .sorted(
                    Comparator.comparing((Integer e) -> -(0f + score[e]))
                        .thenComparing(e -> ties == Ties.LOWER_ID ? e : -e))
                .limit(k)
                .mapToInt(Integer::intValue)
                .toArray(),
            k);
    long finite =
        IntStream.range(0, z.length).filter(e -> score[e] > Float.NEGATIVE_INFINITY).count();
    int count = (int) Math.min(k, finite);
    Arrays.fill(expected, count, k, -1);
    try (GuardedMemory memory = new GuardedMemory(gap)) {
      MemorySegment mask =
          residents == null
              ? MemorySegment.NULL
              : memory.longs(Arrays.copyOf(residents.toLongArray(), (z.length + 63) / 64));
      MemorySegment ids = memory.allocate(4L * k);
      int chosen = kernels.topK(memory.floats(z), z.length, mask, bias, k, ties, ids);
      assertArrayEquals(expected, ids.toArray(JAVA_INT_UNALIGNED), what);
      assertEquals(count, chosen, what);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (GuardedMemory memory = new GuardedMemory(0)) {
      MemorySegment z = memory.allocate(4 * 65);
      MemorySegment words = memory.allocate(8 * 2);
      MemorySegment ids = memory.allocate(4 * 2);
      MemorySegment none = MemorySegment.NULL;
      refused(() -> kernels.topK(z, 66, none, 0, 2, Ties.LOWER_ID, ids));
      refused(() -> kernels.topK(z, -1, none, 0, 2, Ties.LOWER_ID, ids));
      refused(() -> kernels.topK(z, 65, words.asSlice(8), 0, 2, Ties.LOWER_ID, ids));
      refused(() -> kernels.topK(z, 65, words, Float.NaN, 2, Ties.LOWER_ID, ids));
      refused(() -> kernels.topK(z, 65, words, 0, 3, Ties.LOWER_ID, ids));
      refused(() -> kernels.topK(z, 65, words, 0, -1, Ties.LOWER_ID, ids));
      if (tier != Tier.SCALAR) {
        refused(
            () ->
                kernels.topK(
                    MemorySegment.ofArray(new float[65]), 65, words, 0, 2, Ties.LOWER_ID, ids));
      }
    }
  }

  private static void refused(Runnable call) {
    assertThrows(IllegalArgumentException.class, call::run);
  }
}
