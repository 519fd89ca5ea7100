package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.kernels.Tier;
import dev.warmgate.kernels.Ties;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bounded-loss policies, as a layer uses them, against sorting. */
class PolicyRouterTest {
  private static final float RANGE_RATE = 0.01f;

  /** A layer's policy and its settings. */
  private record Setup(GateRule rule, RoutePolicy policy, float lambda, int keepTop, int maxRank) {

    static Setup random(Random random) {
      int experts = 2 + random.nextInt(80);
      int topK = 1 + random.nextInt(Math.min(experts, 10));
      return new Setup(
          new GateRule(
              experts,
              topK,
              List.of(Denominator.values()).get(random.nextInt(2)),
              List.of(Ties.values()).get(random.nextInt(2))),
          List.of(RoutePolicy.values()).get(random.nextInt(4)),
          List.of(0f, 0.1f, 0.6f).get(random.nextInt(3)),
          random.nextInt(topK + 1),
          1 + random.nextInt(24));
    }

    PolicyRouter router(Kernels kernels) {
      return new PolicyRouter(kernels, rule, policy, Lambda.fixed(lambda), keepTop, maxRank);
    }
  }

  /** Routes token after token by sorting; learns the range as it goes. */
  private static final class Reference {
    private final Setup setup;
    private float range;

    Reference(Setup setup) {
      this.setup = setup;
    }

    List<Integer> own(float[] z) {
      return IntStream.range(0, z.length).boxed().sorted(byLogit(z)).toList();
    }

    private Comparator<Integer> byLogit(float[] z) {
      Comparator<Integer> ties = Comparator.naturalOrder();
      return Comparator.comparing((Integer e) -> -z[e])
          .thenComparing(setup.rule.ties() == Ties.LOWER_ID ? ties : ties.reversed());
    }

    List<Integer> route(float[] z, BitSet residents) {
      List<Integer> own = own(z);
      float now = z[own.getFirst()] - z[own.getLast()];
      range = range == 0 ? now : range + RANGE_RATE * (now - range);
      List<Integer> top = own.subList(0, setup.keepTop);
      float[] score = new float[z.length];
      for (int e = 0; e < z.length; e++) {
        boolean resident = residents.get(e);
        score[e] =
            switch (setup.policy) {
              case LOSSLESS -> z[e];
              case ADDITIVE -> resident ? z[e] + setup.lambda : z[e];
              case CACHE_PRIOR -> resident || top.contains(e) ? z[e] + setup.lambda * range : z[e];
              case MAX_RANK ->
                  top.contains(e) ? 2 : resident && own.indexOf(e) < setup.maxRank ? 1 : 0;
            };
      }
      return IntStream.range(0, z.length)
          .boxed()
          .sorted(Comparator.comparing((Integer e) -> -score[e]).thenComparing(byLogit(z)))
          .limit(setup.rule.topK())
          .sorted(byLogit(z))
          .toList();
    }
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void everyPolicyIsTheKernelsWithTheLayersSettings(Tier tier) {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    Kernels kernels = Kernels.of(tier);
    long before = NativeMemory.bytesInUse();
    for (int seed = 1; seed <= 400; seed++) {
      Random random = new Random(seed);
      Setup setup = Setup.random(random);
      Reference reference = new Reference(setup);
      try (PolicyRouter router = setup.router(kernels);
          Selection selection = new Selection(setup.rule.topK())) {
        assertEquals(setup.lambda, router.lambda());
        for (int call = 0; call < 4; call++) {
          check(setup, router, reference, selection, random, "seed %d, %s".formatted(seed, setup));
        }
      }
    }
    assertEquals(before, NativeMemory.bytesInUse());
  }

  private static void check(
      Setup setup,
      PolicyRouter router,
      Reference reference,
      Selection selection,
      Random random,
      String what) {
    int experts = setup.rule.experts();
    int k = setup.rule.topK();
    int tokens = 1 + random.nextInt(5);
    boolean coarse = random.nextInt(4) == 0;
    float scale = random.nextBoolean() ? 1 : 30;
    float[] logits = new float[tokens * experts];
    for (int i = 0; i < logits.length; i++) {
      double value = scale * random.nextGaussian();
      // Plus 0, since −0 equals 0 for a router and not for Comparator.
      logits[i] = (float) (coarse ? Math.rint(value) : value) + 0f;
    }
    BitSet residents = new BitSet();
    IntStream.range(0, experts).filter(_ -> random.nextBoolean()).forEach(residents::set);
    try (Arena arena = Arena.ofConfined()) {
      long[] words = Arrays.copyOf(residents.toLongArray(), (experts + 63) / 64);
      router.route(
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, logits),
          tokens,
          arena.allocateFrom(ValueLayout.JAVA_LONG, words),
          selection);
    }
    for (int token = 0; token < tokens; token++) {
      float[] z = Arrays.copyOfRange(logits, token * experts, (token + 1) * experts);
      List<Integer> expected = reference.route(z, residents);
      List<Integer> own = reference.own(z).subList(0, k);
      String which = what + ", token " + token;
      List<Integer> displaced = new ArrayList<>(own);
      displaced.removeAll(expected);
      assertEquals(k, selection.chosen(token), which);
      assertEquals(displaced.size(), selection.displacedCount(token), which);
      for (int rank = 0; rank < displaced.size(); rank++) {
        assertEquals(displaced.get(rank), selection.displaced(token, rank), which);
      }
      long misses = expected.stream().filter(e -> !residents.get(e)).count();
      assertEquals(misses, selection.misses(token), which);
      double max = z[own.getFirst()];
      assertEquals(sum(z, expected, max) / sum(z, own, max), selection.kept(token), 1e-5, which);
      List<Integer> summed =
          setup.rule.over() == Denominator.SELECTED ? expected : reference.own(z);
      for (int rank = 0; rank < k; rank++) {
        int at = token * k + rank;
        assertEquals(expected.get(rank), selection.expert(at), which);
        // Of the logits alone: no bias has a part in it.
        double weight = sum(z, List.of(expected.get(rank)), max) / sum(z, summed, max);
        assertEquals(weight, selection.weight(at), 1e-5, which);
      }
    }
  }

  private static double sum(float[] z, List<Integer> experts, double max) {
    return experts.stream().mapToDouble(e -> Math.exp(z[e] - max)).sum();
  }

  @ParameterizedTest
  @EnumSource(RoutePolicy.class)
  void theFirstTokenCanBeTheBadOne(RoutePolicy policy) {
    Setup setup = new Setup(GateRule.moe(3, 1, true), policy, 0.1f, 1, 12);
    try (PolicyRouter router = setup.router(Kernels.of(Tier.SCALAR));
        Selection selection = new Selection(1);
        Arena arena = Arena.ofConfined()) {
      float nan = Float.NaN;
      MemorySegment logits = arena.allocateFrom(ValueLayout.JAVA_FLOAT, nan, nan, nan, 1, 2, 3);
      var e =
          assertThrows(
              RoutingException.class, () -> router.route(logits, 2, MemorySegment.NULL, selection));
      assertTrue(e.getMessage().startsWith("token 0"), e.getMessage());
    }
  }

  @Test
  void anAdaptiveStrengthHearsOfEveryCall() {
    AdaptiveLambda lambda = new AdaptiveLambda(0.1f, 1, 0.5);
    GateRule rule = GateRule.moe(4, 2, true);
    try (PolicyRouter router =
            new PolicyRouter(
                Kernels.of(Tier.SCALAR), rule, RoutePolicy.CACHE_PRIOR, lambda, 2, 12);
        Selection selection = new Selection(2);
        Arena arena = Arena.ofConfined()) {
      MemorySegment logits = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 4, 3, 2, 1);
      MemorySegment residents = arena.allocateFrom(ValueLayout.JAVA_LONG, 0b1000L);
      for (int call = 0; call < 16; call++) {
        router.route(logits, 2, residents, selection);
      }
      // One of the four chosen is resident, and keep_top leaves the gate's choice as it is.
      assertEquals(1, lambda.state().periods());
      assertEquals(0.25, lambda.state().hitRate(), 1e-9);
      assertEquals(1, lambda.state().massKept(), 1e-6);
      assertTrue(router.lambda() > 0.1f);
    }
  }
}
