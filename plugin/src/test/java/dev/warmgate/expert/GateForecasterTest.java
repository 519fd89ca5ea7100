package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Tier;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Forecasts are what the next gate says of unscaled states, computed here in double precision. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GateForecasterTest {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int MOST_IDS = 64;

  private long allocated;

  @BeforeEach
  void measure() {
    allocated = NativeMemory.bytesInUse();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(allocated, NativeMemory.bytesInUse());
  }

  /** Two layers' gates of random numbers, and what they say. */
  private static final class Gates {
    final int experts;
    final int hidden;
    final float[] here;
    final float[] weights;
    final float[] bias;
    final float[] norm;

    Gates(Random random, int experts, int hidden) {
      this.experts = experts;
      this.hidden = hidden;
      here = LayerFixture.values(random, hidden, 1);
      weights = LayerFixture.values(random, experts * hidden, 2 / Math.sqrt(hidden));
      bias = LayerFixture.values(random, experts, random.nextInt(2));
      norm = LayerFixture.values(random, hidden, 1);
      for (int i = 0; i < hidden; i++) {
        // Near zero only the one that is zero.
        here[i] = i == hidden / 2 ? 0 : Math.copySign(0.2f + Math.abs(here[i]), here[i]);
      }
    }

    GateForecaster forecaster(Tier tier, int topK) {
      return new GateForecaster(
          Kernels.of(tier),
          List.of(
              Optional.of(new GateMatrix(3, hidden, new float[3 * hidden], new float[3], here)),
              Optional.of(new GateMatrix(experts, hidden, weights, bias, norm))),
          List.of(1, topK));
    }

    double[] logits(float[] states, int token) {
      double[] logits = new double[experts];
      for (int e = 0; e < experts; e++) {
        logits[e] = bias[e];
        for (int i = 0; i < hidden; i++) {
          double unscaled = states[token * hidden + i] / (here[i] == 0 ? 1.0 : here[i]);
          logits[e] += (double) weights[e * hidden + i] * norm[i] * unscaled;
        }
      }
      return logits;
    }

    /** What each expert is worth to the tokens that a forecast looks at; 0 for what isn't named. */
    double[] mass(float[] states, int tokens, int candidates) {
      double[] mass = new double[experts];
      int sampled = Math.min(tokens, 16);
      for (int row = 0; row < sampled; row++) {
        double[] logits = logits(states, row * tokens / sampled);
        double most = Arrays.stream(logits).max().orElseThrow();
        double sum = Arrays.stream(logits).map(z -> Math.exp(z - most)).sum();
        best(logits, candidates).forEach(e -> mass[e] += Math.exp(logits[e] - most) / sum);
      }
      return mass;
    }
  }

  private static IntStream best(double[] values, int count) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted((a, b) -> Double.compare(values[b], values[a]))
        .limit(count)
        .mapToInt(Integer::intValue);
  }

  private static int[] forecast(Forecaster forecaster, float[] states, int tokens, int most) {
    int[] ids = new int[most];
    try (Arena arena = Arena.ofConfined()) {
      int count = forecaster.forecast(0, arena.allocateFrom(F32, states), tokens, null, ids);
      return Arrays.copyOf(ids, count);
    }
  }

  /** In falling order, and nothing left out that is worth more: but for rounding. */
  private static void assertBest(double[] values, int[] found, int count, String what) {
    double range = Arrays.stream(values).map(Math::abs).max().orElseThrow() + 1;
    assertEquals(count, found.length, what);
    assertEquals(count, Arrays.stream(found).distinct().count(), what);
    double[] expected = best(values, count).mapToDouble(e -> values[e]).toArray();
    for (int rank = 0; rank < count; rank++) {
      assertEquals(expected[rank], values[found[rank]], 1e-5 * range, what + ", rank " + rank);
    }
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void equalsTheGateInDoublePrecision(Tier tier) {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    int[] experts = {1, 2, 3, 8, 17, 31, 60, 64, 65, 128, 257};
    int[] widths = {1, 2, 7, 16, 33, 64, 100, 257};
    for (int seed = 1; seed <= 150; seed++) {
      Random random = new Random(seed);
      var gates =
          new Gates(random, experts[random.nextInt(experts.length)], widths[random.nextInt(8)]);
      int topK = 1 + random.nextInt(Math.min(gates.experts, 10));
      int tokens = random.nextBoolean() ? 1 : 1 + random.nextInt(40);
      float[] states = LayerFixture.values(random, tokens * gates.hidden, 1);
      int candidates = Math.min(2 * topK, gates.experts);
      String what =
          "seed %d: %d tokens, %d of %d experts, width %d"
              .formatted(seed, tokens, topK, gates.experts, gates.hidden);
      try (GateForecaster forecaster = gates.forecaster(tier, topK)) {
        for (int turn = 0; turn < 2; turn++) {
          int[] found = forecast(forecaster, states, tokens, MOST_IDS);
          if (tokens == 1) {
            assertBest(gates.logits(states, 0), found, candidates, what);
          } else {
            double[] mass = gates.mass(states, tokens, candidates);
            // Experts at the edge of a token's candidates may be named or not.
            int named = (int) Math.min(MOST_IDS, Arrays.stream(mass).filter(m -> m > 0).count());
            int sure = Math.min(found.length, Math.min(named, topK));
            assertTrue(Math.abs(found.length - named) <= 1 + named / 20, what);
            assertBest(mass, Arrays.copyOf(found, sure), sure, what);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 5", "1, 1", "2, 5", "9, 1", "1, 64", "7, 64"})
  void namesAsManyAsFit(int tokens, int most) {
    // Twice 40 candidates are more than 64.
    var gates = new Gates(new Random(1), 100, 24);
    float[] states = LayerFixture.values(new Random(2), tokens * 24, 1);
    try (GateForecaster forecaster = gates.forecaster(Tier.SCALAR, 40)) {
      int[] found = forecast(forecaster, states, tokens, most);
      assertEquals(most, found.length);
      double[] values = tokens == 1 ? gates.logits(states, 0) : gates.mass(states, tokens, 80);
      assertBest(values, Arrays.copyOf(found, Math.min(most, 20)), Math.min(most, 20), "");
    }
  }

  @Test
  void ofStatesThatAreNoNumbersNothingIsSaid() {
    var gates = new Gates(new Random(1), 9, 6);
    try (GateForecaster forecaster = gates.forecaster(Tier.SCALAR, 2)) {
      float[] states = LayerFixture.values(new Random(2), 3 * 6, 1);
      assertTrue(forecast(forecaster, states, 3, MOST_IDS).length > 0);
      Arrays.fill(states, 6, 12, Float.NaN);
      assertEquals(0, forecast(forecaster, states, 3, MOST_IDS).length);
      float[] one = new float[6];
      Arrays.fill(one, Float.NaN);
      assertEquals(0, forecast(forecaster, one, 1, MOST_IDS).length);
    }
  }

  @Test
  void aGateThatIsNotKnownOrDoesNotFitForeseesNothing() {
    var known = new GateMatrix(4, 3, new float[12], new float[] {1, 4, 3, 2}, new float[3]);
    var wide = new GateMatrix(4, 5, new float[20], new float[4], new float[5]);
    List<Optional<GateMatrix>> gates =
        List.of(
            Optional.of(known),
            Optional.of(known),
            Optional.empty(),
            Optional.of(known),
            Optional.of(wide));
    try (var forecaster =
            new GateForecaster(Kernels.of(Tier.SCALAR), gates, List.of(1, 1, 1, 1, 1));
        Arena arena = Arena.ofConfined()) {
      int[] ids = new int[MOST_IDS];
      int[] counts = new int[5];
      for (int layer = 0; layer < 5; layer++) {
        counts[layer] = forecaster.forecast(layer, arena.allocate(F32, 5), 1, null, ids);
      }
      assertArrayEquals(new int[] {2, 0, 0, 0, 0}, counts);
    }
  }

  @Test
  void threadsForeseeTheSameAtTheSameTime() throws Exception {
    var gates = new Gates(new Random(1), 33, 50);
    List<float[]> inputs = new ArrayList<>();
    List<int[]> expected = new ArrayList<>();
    try (GateForecaster forecaster = gates.forecaster(Tier.SCALAR, 4);
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      for (int tokens = 1; tokens <= 20; tokens++) {
        inputs.add(LayerFixture.values(new Random(tokens), tokens * 50, 1));
        expected.add(forecast(forecaster, inputs.getLast(), tokens, MOST_IDS));
      }
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int first = t;
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = first; i < 160; i++) {
                    int tokens = 1 + i % 20;
                    int[] found = forecast(forecaster, inputs.get(i % 20), tokens, MOST_IDS);
                    if (!Arrays.equals(expected.get(i % 20), found)) {
                      fail("%d tokens: another forecast".formatted(tokens));
                    }
                  }
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
    }
  }

  @Test
  void aMatrixOfAnotherSizeIsRefused() {
    float[] two = new float[2];
    float[] three = new float[3];
    float[] six = new float[6];
    assertThrows(IllegalArgumentException.class, () -> new GateMatrix(2, 3, two, two, three));
    assertThrows(IllegalArgumentException.class, () -> new GateMatrix(2, 3, six, three, three));
    assertThrows(IllegalArgumentException.class, () -> new GateMatrix(2, 3, six, two, two));
    // Their product fits an int, but is not that of these.
    assertThrows(
        IllegalArgumentException.class, () -> new GateMatrix(1 << 16, 1 << 16, two, two, three));
  }
}
