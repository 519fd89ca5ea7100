package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Every policy against the reference, on logits of many kinds. */
@ParameterizedClass
@EnumSource(Tier.class)
class RouteTest {
  private static final int[] KS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 100};
  private static final float[] LAMBDAS = {0, 0.05f, 0.15f, 0.7f, 5f, 1e4f, 3e38f};
  private static final float INF = Float.POSITIVE_INFINITY;

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void equalsTheReference() {
    for (int experts = 1; experts <= 300; experts += experts < 40 ? 1 : 13) {
      for (int k : KS) {
        if (k <= experts) {
          for (RoutePolicy policy : RoutePolicy.values()) {
            randomCase(experts, k, policy);
          }
        }
      }
    }
  }

  @Test
  void equalsTheReferenceAroundWholeVectorsAndWords() {
    for (int experts : new int[] {63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 2049}) {
      for (int k : new int[] {1, 2, 4, 6, 8, 10, 16, 24}) {
        for (RoutePolicy policy : RoutePolicy.values()) {
          randomCase(experts, k, policy);
        }
      }
    }
  }

  private void randomCase(int experts, int k, RoutePolicy policy) {
    long seed = experts * 1000L + k;
    if (!Sample.takes(4 * seed + RouteLayout.code(policy))) {
      return;
    }
    Random random = new Random(seed);
    RouteCase c =
        new RouteCase(
            experts,
            k,
            pick(random, Denominator.values()),
            pick(random, Ties.values()),
            policy,
            random.nextInt(k + 1),
            1 + random.nextInt(random.nextBoolean() ? 16 : 2 * experts),
            random.nextFloat());
    int tokens = 1 + random.nextInt(9);
    float[][] rows = new float[tokens][];
    for (int t = 0; t < tokens; t++) {
      rows[t] = pick(random, RouteLogits.values()).row(random, experts);
    }
    BitSet residents = RouteLogits.residents(random, experts);
    float lambda = LAMBDAS[random.nextInt(LAMBDAS.length)];
    check(c, rows, residents, lambda, random, "seed " + seed);
  }

  private static <T> T pick(Random random, T[] values) {
    return values[random.nextInt(values.length)];
  }

  private void check(
      RouteCase c, float[][] rows, BitSet residents, float lambda, Random random, String seed) {
    String what = c + ", lambda " + lambda + ", " + seed;
    RouteReference reference = new RouteReference(c);
    try (RoutePlan plan = c.plan();
        RouteCall call = new RouteCall(kernels, plan, random)) {
      int bad = call.run(rows, residents, lambda);
      for (int t = 0; t < rows.length; t++) {
        RouteReference.Row row = reference.next(rows[t], residents, lambda);
        int at = t;
        // Told only if it fails: rows are long.
        Supplier<String> token = () -> what + ", token " + at + " " + Arrays.toString(rows[at]);
        if (row == null) {
          assertEquals(t, bad, token);
          return;
        }
        assertTrue(bad == -1 || bad > t, () -> token.get() + ": stopped at " + bad);
        assertArrayEquals(padded(row.route(), c.topK()), call.ids(t), token);
        assertArrayEquals(padded(row.displaced(), c.topK()), call.displaced(t), token);
        assertEquals(row.misses(), call.misses(t), token);
        assertNear(row.kept(), call.kept(t), () -> token.get() + " kept");
        for (int i = 0; i < c.topK(); i++) {
          double weight = i < row.route().size() ? row.weights().get(i) : 0;
          int rank = i;
          assertNear(weight, call.weight(t, i), () -> token.get() + " weight " + rank);
        }
      }
      assertEquals(-1, bad, what);
      assertEquals(reference.range(), plan.range(), what);
    }
  }

  /**
   * As for gate weights: exp, sum, division; and the rounding of z − max, below 104 where it
   * matters.
   */
  private static void assertNear(double expected, float actual, Supplier<String> what) {
    double tolerance = expected * 1e-5 + Float.MIN_NORMAL;
    assertTrue(
        Math.abs(expected - actual) <= tolerance,
        () -> what.get() + ": " + expected + " but " + actual);
  }

  private static int[] padded(Iterable<Integer> ids, int k) {
    int[] row = new int[k];
    Arrays.fill(row, -1);
    int i = 0;
    for (int id : ids) {
      row[i++] = id;
    }
    return row;
  }

  @Test
  void withoutABonusTheBitsAreThoseOfLossless() {
    Random random = new Random(5);
    for (int experts : new int[] {3, 8, 16, 17, 64, 100, 256}) {
      for (int k : new int[] {1, 2, 3, 8}) {
        for (Denominator over : Denominator.values()) {
          float[][] rows = new float[6][];
          for (int t = 0; t < rows.length; t++) {
            rows[t] = pick(random, RouteLogits.values()).row(random, experts);
          }
          BitSet residents = RouteLogits.residents(random, experts);
          RouteCase c =
              RouteCase.of(experts, Math.min(k, experts), RoutePolicy.LOSSLESS).with(over);
          Bits lossless = bits(c, rows, residents, 0.3f, 1);
          BitSet all = new BitSet();
          all.set(0, experts);
          for (RoutePolicy policy : RoutePolicy.values()) {
            String what = c.with(policy) + " seed 5";
            lossless.expect(bits(c.with(policy), rows, all, 0.3f, 2), what + ", all resident");
            if (policy != RoutePolicy.MAX_RANK) {
              lossless.expect(bits(c.with(policy), rows, residents, 0, 3), what + ", no bonus");
            }
          }
          lossless.expect(
              bits(c.with(RoutePolicy.MAX_RANK).with(0, 1), rows, residents, 0, 4), "max rank 1");
        }
      }
    }
  }

  private record Bits(int bad, List<Integer> ids, List<Integer> weights) {
    void expect(Bits other, String what) {
      assertEquals(bad, other.bad, what);
      if (bad == -1) {
        assertEquals(ids, other.ids, what);
        assertEquals(weights, other.weights, what);
      }
    }
  }

  private Bits bits(RouteCase c, float[][] rows, BitSet residents, float lambda, int seed) {
    try (RoutePlan plan = c.plan();
        RouteCall call = new RouteCall(kernels, plan, new Random(seed))) {
      int bad = call.run(rows, residents, lambda);
      return new Bits(bad, ints(call.ids), ints(call.weights));
    }
  }

  private static List<Integer> ints(MemorySegment segment) {
    return Arrays.stream(segment.toArray(JAVA_INT_UNALIGNED)).boxed().toList();
  }

  @Test
  void infiniteLogitsShareTheWeight() {
    for (RoutePolicy policy : RoutePolicy.values()) {
      for (Denominator over : Denominator.values()) {
        RouteCase c = RouteCase.of(4, 3, policy).with(over);
        try (RoutePlan plan = c.plan();
            RouteCall call = new RouteCall(kernels, plan, new Random(1))) {
          assertEquals(-1, call.run(new float[][] {{INF, 3, Float.NaN, INF}}, new BitSet(), 1));
          assertArrayEquals(new int[] {0, 3, 1}, call.ids(0));
          assertArrayEquals(
              new float[] {0.5f, 0.5f, 0}, call.weights.toArray(JAVA_FLOAT_UNALIGNED));
          assertEquals(0f, plan.range());
        }
      }
    }
  }

  /** Behind the largest logit and at a distance of whole vectors, where it might be lost. */
  @Test
  void signallingNansAreNoLogits() {
    float[] few = new float[40];
    Arrays.fill(few, -INF);
    float[] many = new float[40];
    Arrays.fill(many, 3);
    for (float[] row : List.of(few, many)) {
      row[0] = 200;
      row[32] = RouteLogits.SIGNALLING;
    }
    BitSet residents = new BitSet();
    residents.set(32, 40);
    for (RoutePolicy policy : RoutePolicy.values()) {
      for (Denominator over : Denominator.values()) {
        RouteCase c = RouteCase.of(40, 2, policy).with(over);
        check(c, new float[][] {few, many}, residents, 0.1f, new Random(1), "signalling");
      }
    }
  }

  @Test
  void theRangeFollowsTheTokens() {
    RouteCase c =
        new RouteCase(3, 1, Denominator.ALL, Ties.LOWER_ID, RoutePolicy.CACHE_PRIOR, 1, 1, 0.5f);
    try (RoutePlan plan = c.plan();
        RouteCall call = new RouteCall(kernels, plan, new Random(1))) {
      BitSet none = new BitSet();
      float mask = -3.4028235e38f;
      assertEquals(0f, plan.range());
      call.run(new float[][] {{1, 1, 1}}, none, 0);
      assertEquals(0f, plan.range());
      call.run(new float[][] {{1, 3, -3}, {5, mask, 3}}, none, 0);
      assertEquals(4f, plan.range());
      call.run(new float[][] {{5, mask, 3}, {-INF, 7, 5}}, none, 0.1f);
      assertEquals(2.5f, plan.range());
      call.run(new float[][] {{INF, mask, Float.NaN}}, none, 0.1f);
      assertEquals(2.5f, plan.range());
      call.run(new float[][] {{INF, 4, 4.5f}}, none, 0.1f);
      assertEquals(1.5f, plan.range());
      call.run(new float[][] {{3.4e38f, -2.9e38f, 0}, {3.4e38f, -2.9e38f, 0}}, none, 3e38f);
      assertTrue(plan.range() > 1e38f && plan.range() < INF);
    }
  }

  /** Of many equal logits, in all blocks, the right ones are chosen, in the right order. */
  @Test
  void rowsOfTies() {
    for (Ties ties : Ties.values()) {
      for (RoutePolicy policy : RoutePolicy.values()) {
        for (int experts : new int[] {5, 16, 40, 64, 200, 256, 1000}) {
          for (int k : new int[] {1, 2, 4, 6, 8, 16, 20}) {
            if (k <= experts && Sample.takes(experts * 100L + k)) {
              float[][] rows = {
                new float[experts], rising(experts, 1), rising(experts, -1), rising(experts, 0.01)
              };
              BitSet residents = new BitSet();
              IntStream.range(0, experts).filter(e -> e % 3 != 0).forEach(residents::set);
              RouteCase c = RouteCase.of(experts, k, policy).with(ties);
              check(c, rows, residents, 0.1f, new Random(k), "ties");
            }
          }
        }
      }
    }
  }

  private static float[] rising(int experts, double step) {
    float[] row = new float[experts];
    for (int e = 0; e < experts; e++) {
      row[e] = (float) Math.floor(e * step);
    }
    return row;
  }

  @Test
  void noTokens() {
    try (RoutePlan plan = RouteCase.of(8, 2, RoutePolicy.CACHE_PRIOR).plan()) {
      MemorySegment none = MemorySegment.NULL;
      assertEquals(-1, kernels.route(plan, 0, none, 0, none, none, none, RouteExtras.NONE));
    }
  }
}
