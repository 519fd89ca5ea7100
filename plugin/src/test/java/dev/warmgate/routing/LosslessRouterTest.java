package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Tier;
import dev.warmgate.kernels.Ties;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LosslessRouterTest {
  private static final float[] SPECIAL = {
    Float.NaN,
    Float.NEGATIVE_INFINITY,
    Float.POSITIVE_INFINITY,
    0f,
    -0f,
    1f,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.MIN_VALUE
  };

  @ParameterizedTest
  @EnumSource(Tier.class)
  void selectsAndWeighsAsTheRuleSays(Tier tier) {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    Kernels kernels = Kernels.of(tier);
    long before = NativeMemory.bytesInUse();
    for (int seed = 1; seed <= 600; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(random.nextBoolean() ? 300 : 20);
      int topK = random.nextInt(8) == 0 ? experts : 1 + random.nextInt(Math.min(experts, 12));
      Denominator over = List.of(Denominator.values()).get(random.nextInt(2));
      Ties ties = List.of(Ties.values()).get(random.nextInt(2));
      GateRule rule = new GateRule(experts, topK, over, ties);
      try (Router router = PolicyRouter.lossless(kernels, rule);
          Selection selection = new Selection(topK);
          Arena arena = Arena.ofConfined()) {
        // A selection is used again by longer and by shorter calls.
        for (int call = 0; call < 3; call++) {
          int tokens = 1 + random.nextInt(9);
          float[] logits = logits(random, tokens, experts);
          long[] words = random.longs((experts + 63) / 64).toArray();
          MemorySegment residents = arena.allocateFrom(ValueLayout.JAVA_LONG, words);
          router.route(
              arena.allocateFrom(ValueLayout.JAVA_FLOAT, logits), tokens, residents, selection);
          assertEquals(tokens, selection.tokens());
          assertEquals(tokens * topK, selection.assignments());
          for (int t = 0; t < tokens; t++) {
            float[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
            check(rule, row, selection, t, "seed %d, token %d, %s".formatted(seed, t, rule));
          }
        }
      }
    }
    assertEquals(before, NativeMemory.bytesInUse());
  }

  private static void check(GateRule rule, float[] row, Selection selection, int t, String what) {
    Comparator<Integer> byId = Comparator.naturalOrder();
    Comparator<Integer> ties = rule.ties() == Ties.LOWER_ID ? byId : byId.reversed();
    List<Integer> expected =
        IntStream.range(0, row.length)
            .boxed()
            .filter(e -> row[e] > Float.NEGATIVE_INFINITY)
            // 0 and −0 are equal, which Float.compare denies.
            .sorted(
                ((Comparator<Integer>) (a, b) -> row[a] > row[b] ? -1 : row[a] < row[b] ? 1 : 0)
                    .thenComparing(ties))
            .limit(rule.topK())
            .toList();
    List<Integer> summed =
        rule.over() == Denominator.SELECTED
            ? expected
            : IntStream.range(0, row.length).boxed().toList();
    double max = row[expected.getFirst()];
    double sum = summed.stream().mapToDouble(e -> exp(row[e], max)).sum();
    for (int rank = 0; rank < rule.topK(); rank++) {
      int a = t * rule.topK() + rank;
      boolean chosen = rank < expected.size();
      assertEquals(chosen ? expected.get(rank) : -1, selection.expert(a), what);
      double weight = chosen ? exp(row[expected.get(rank)], max) / sum : 0;
      assertEquals(weight, selection.weight(a), 1e-5 * weight + 1e-37, what + ", rank " + rank);
    }
  }

  private static double exp(float z, double max) {
    return !(z > Float.NEGATIVE_INFINITY) ? 0 : z == max ? 1 : Math.exp(z - max);
  }

  /** Rows with at least one expert to choose; most of them have something odd. */
  private static float[] logits(Random random, int tokens, int experts) {
    float[] logits = new float[tokens * experts];
    for (int t = 0; t < tokens; t++) {
      int kind = random.nextInt(5);
      for (int e = 0; e < experts; e++) {
        logits[t * experts + e] =
            switch (kind) {
              case 0 -> (float) random.nextGaussian();
              case 1 -> 30 * (float) random.nextGaussian();
              // Ties, often over the k-th place.
              case 2 -> random.nextInt(3);
              // Few that can be chosen.
              case 3 -> random.nextInt(4) > 0 ? SPECIAL[random.nextInt(2)] : random.nextFloat();
              default -> SPECIAL[random.nextInt(SPECIAL.length)];
            };
      }
      int sure = t * experts + random.nextInt(experts);
      if (!(logits[sure] > Float.NEGATIVE_INFINITY)) {
        logits[sure] = random.nextFloat();
      }
    }
    return logits;
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void aTokenWithoutAFiniteLogitIsNamed(Tier tier) {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    try (Router router = PolicyRouter.lossless(Kernels.of(tier), GateRule.moe(5, 2, true));
        Selection selection = new Selection(2);
        Arena arena = Arena.ofConfined()) {
      float[] logits = new float[4 * 5];
      for (int e = 0; e < 5; e++) {
        logits[2 * 5 + e] = e % 2 == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
      }
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, logits);
      var e =
          assertThrows(
              RoutingException.class, () -> router.route(memory, 4, MemorySegment.NULL, selection));
      assertTrue(e.getMessage().startsWith("token 2 has no finite gate logit"), e.getMessage());
      // The next call is not harmed.
      router.route(memory, 2, MemorySegment.NULL, selection);
      assertEquals(4, selection.expert(0));
      assertEquals(3, selection.expert(1));
    }
  }

  @Test
  void theRuleOfMoeIsThatOfOnnxRuntime() {
    assertEquals(
        new GateRule(8, 2, Denominator.SELECTED, Ties.HIGHER_ID), GateRule.moe(8, 2, true));
    assertEquals(new GateRule(8, 2, Denominator.ALL, Ties.HIGHER_ID), GateRule.moe(8, 2, false));
  }

  @Test
  void aRuleNeedsBetweenOneAndAllExperts() {
    for (int topK : new int[] {Integer.MIN_VALUE, -1, 0, 9}) {
      var e = assertThrows(IllegalArgumentException.class, () -> GateRule.moe(8, topK, true));
      assertEquals("top-%d of 8 experts is not a selection".formatted(topK), e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> GateRule.moe(0, 0, true));
    assertEquals(8, GateRule.moe(8, 8, true).topK());
  }
}
