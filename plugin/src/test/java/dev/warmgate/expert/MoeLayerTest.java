package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Team;
import dev.warmgate.kernels.Tier;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.RoutingException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MoeLayerTest {
  @TempDir Path folder;
  private long allocated;
  private long mapped;

  @BeforeEach
  void measure() {
    allocated = NativeMemory.bytesInUse();
    mapped = SharedExperts.bytesMapped();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(allocated, NativeMemory.bytesInUse());
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  private static Tier bestTier() {
    return Kernels.availability(Tier.AVX2).isAvailable()
        ? Tier.AVX2
        : Kernels.availability(Tier.NEON).isAvailable() ? Tier.NEON : Tier.SCALAR;
  }

  /** The result is right, and its bits are the same whatever the budget and whoever computes. */
  @ParameterizedTest
  @EnumSource(Tier.class)
  void equalsTheReferenceWhateverTheBudgetAndTheTeam(Tier tier) throws IOException {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    int[] tokenCounts = {1, 2, 3, 7, 16, 17, 33, 70};
    int mostParts;
    try (ThreadTeam pair = new ThreadTeam(2);
        ThreadTeam trio = new ThreadTeam(3)) {
      for (int seed = 1; seed <= 36; seed++) {
        Random random = new Random(seed);
        Activation activation = List.of(Activation.values()).get(seed % 6);
        float limit = random.nextBoolean() ? Float.POSITIVE_INFINITY : 0.7f;
        // The last ones are large enough to be cut into parts.
        int size = seed > 30 ? 30 : 1;
        int hidden = size + random.nextInt(40);
        int inner = size + random.nextInt(40);
        var shape =
            activation.gated()
                ? new FfnShape(hidden, inner, activation, 1.702f, 1f, limit)
                : FfnShape.of(hidden, inner, activation);
        int experts = 1 + random.nextInt(12);
        int topK = random.nextInt(5) == 0 ? experts : 1 + random.nextInt(Math.min(4, experts));
        var rule = GateRule.moe(experts, topK, random.nextBoolean());
        var layer =
            new LayerFixture(
                folder.resolve("weights" + seed),
                random,
                shape,
                rule,
                random.nextBoolean(),
                random.nextBoolean());
        int tokens = tokenCounts[seed > 30 ? 7 : random.nextInt(tokenCounts.length)];
        float[] x = LayerFixture.values(random, tokens * hidden, 1);
        float[] logits = LayerFixture.values(random, tokens * experts, 2);
        String what = "seed %d, %d tokens, %s, %s".formatted(seed, tokens, shape, rule);
        float[] expected = null;
        for (int slots : new int[] {experts, 1, 1 + random.nextInt(experts)}) {
          try (MoeModel model = layer.open(tier, slots)) {
            for (Team team : List.of(Team.caller(), pair, trio)) {
              float[] out = layer.run(model.layer(0), x, logits, team);
              if (expected == null) {
                expected = out;
                assertClose(layer.reference(x, logits), out, what);
              }
              assertArrayEquals(bits(expected), bits(out), what + ", slots " + slots);
            }
            assertTrue(model.statistics().peakSlotBytes() <= slots * layer.expertBytes(), what);
          }
        }
      }
      mostParts = Math.min(pair.mostParts.get(), trio.mostParts.get());
    }
    assertEquals(2, mostParts, "no call was large enough for more than one part");
  }

  private static void assertClose(double[] expected, float[] found, String what) {
    double scale = Arrays.stream(expected).map(Math::abs).max().orElse(0) + 1e-30;
    for (int i = 0; i < expected.length; i++) {
      assertEquals(0, (expected[i] - found[i]) / scale, 1e-5, what + ", element " + i);
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  private LayerFixture small(Random random, int experts, int topK) throws IOException {
    return new LayerFixture(
        folder.resolve("weights"),
        random,
        FfnShape.of(13, 9, Activation.SILU),
        GateRule.moe(experts, topK, true),
        true,
        false);
  }

  @Test
  void tokensOfALongCallGetWhatTheyGetAlone() throws IOException {
    Random random = new Random(5);
    var layer =
        new LayerFixture(
            folder.resolve("weights"),
            random,
            FfnShape.of(3, 2, Activation.GELU),
            GateRule.moe(6, 2, false),
            true,
            true);
    int tokens = 2 * Workspace.Kind.MAX_TOKENS + 777;
    float[] x = LayerFixture.values(random, tokens * 3, 1);
    float[] logits = LayerFixture.values(random, tokens * 6, 1);
    try (MoeModel model = layer.open(bestTier(), 3)) {
      float[] all = layer.run(model.layer(0), x, logits, Team.caller());
      assertClose(layer.reference(x, logits), all, "seed 5");
      for (int i = 0; i < 500; i++) {
        int t = i < 250 ? Workspace.Kind.MAX_TOKENS - 125 + i : random.nextInt(tokens);
        float[] alone =
            layer.run(
                model.layer(0),
                Arrays.copyOfRange(x, t * 3, t * 3 + 3),
                Arrays.copyOfRange(logits, t * 6, t * 6 + 6),
                Team.caller());
        assertArrayEquals(
            bits(alone), bits(Arrays.copyOfRange(all, t * 3, t * 3 + 3)), "token " + t);
      }
      // A token is known by its place in the whole call.
      int bad = Workspace.Kind.MAX_TOKENS + 5;
      Arrays.fill(logits, bad * 6, bad * 6 + 6, Float.NaN);
      var e =
          assertThrows(
              RoutingException.class, () -> layer.run(model.layer(0), x, logits, Team.caller()));
      assertEquals(
          "moe of weights: token %d has no finite gate logit".formatted(bad), e.getMessage());
    }
  }

  @Test
  void noTokensGiveNothing() throws IOException {
    var layer = small(new Random(1), 4, 2);
    try (MoeModel model = layer.open(bestTier(), 1)) {
      assertEquals(0, layer.run(model.layer(0), new float[0], new float[0], Team.caller()).length);
      assertEquals(0, model.statistics().misses());
    }
  }

  @Test
  void anExpertOfWeightZeroIsNotRead() throws IOException {
    var layer = small(new Random(1), 4, 2);
    // Had all of them a slot, all would be read.
    try (MoeModel model = layer.open(bestTier(), 3)) {
      float[] x = LayerFixture.values(new Random(2), 13, 1);
      float minus = Float.NEGATIVE_INFINITY;
      layer.run(model.layer(0), x, new float[] {minus, 1, minus, minus}, Team.caller());
      layer.run(model.layer(0), x, new float[] {-1e30f, 1, -1e30f, -1e30f}, Team.caller());
      assertEquals(1, model.statistics().loads());
      assertTrue(model.layer(0).mask().contains(1));
    }
  }

  @Test
  void manyThreadsOnOneLayerGetTheBitsThatEachGetsAlone() throws Exception {
    var layer = small(new Random(3), 16, 3);
    int calls = 24;
    List<float[]> inputs = new ArrayList<>();
    List<float[]> gates = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    try (MoeModel model = layer.open(bestTier(), 16)) {
      for (int i = 0; i < calls; i++) {
        Random random = new Random(100 + i);
        int tokens = 1 + random.nextInt(20);
        inputs.add(LayerFixture.values(random, tokens * 13, 1));
        gates.add(LayerFixture.values(random, tokens * 16, 1));
        expected.add(layer.run(model.layer(0), inputs.get(i), gates.get(i), Team.caller()));
      }
    }
    for (int slots : new int[] {1, 2, 5, 16}) {
      try (MoeModel model = layer.open(bestTier(), slots);
          ExecutorService pool = Executors.newFixedThreadPool(8)) {
        List<Future<?>> tasks = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
          Random random = new Random(1000L * slots + t);
          tasks.add(
              pool.submit(
                  () -> {
                    for (int n = 0; n < 40; n++) {
                      int i = random.nextInt(calls);
                      float[] out =
                          layer.run(model.layer(0), inputs.get(i), gates.get(i), Team.caller());
                      assertArrayEquals(bits(expected.get(i)), bits(out));
                    }
                    return null;
                  }));
        }
        for (Future<?> task : tasks) {
          task.get();
        }
        assertTrue(model.statistics().peakSlotBytes() <= slots * layer.expertBytes());
      }
    }
  }

  @Test
  void layersOfOtherSizesShareASmallBudget() throws IOException {
    Random random = new Random(9);
    List<LayerFixture> layers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      layers.add(
          new LayerFixture(
              folder.resolve("layer" + i),
              random,
              FfnShape.of(8 + i, 5 + 3 * (i % 2), Activation.RELU),
              GateRule.moe(5 + i, 2, true),
              i % 2 == 0,
              i == 3));
    }
    long largest = layers.stream().mapToLong(LayerFixture::expertBytes).max().orElseThrow();
    for (long budget : new long[] {largest, 3 * largest, 100 * largest}) {
      try (MoeModel model = LayerFixture.open(layers, bestTier(), budget)) {
        for (int call = 0; call < 40; call++) {
          int i = call % 4;
          int tokens = 1 + call % 3;
          float[] x = LayerFixture.values(random, tokens * (8 + i), 1);
          float[] logits = LayerFixture.values(random, tokens * (5 + i), 1);
          float[] out = layers.get(i).run(model.layer(i), x, logits, Team.caller());
          assertClose(layers.get(i).reference(x, logits), out, "seed 9, layer " + i);
        }
        assertTrue(model.statistics().peakSlotBytes() <= budget);
      }
    }
  }

  @Test
  void afterAFailedReadTheNextCallWorks() throws IOException {
    var layer = small(new Random(4), 16, 4);
    float[] x = LayerFixture.values(new Random(5), 10 * 13, 1);
    float[] logits = LayerFixture.values(new Random(6), 10 * 16, 1);
    float[] expected;
    try (MoeModel model = layer.open(bestTier(), 16)) {
      expected = layer.run(model.layer(0), x, logits, Team.caller());
    }
    for (int slots : new int[] {1, 3, 16}) {
      // Closing would be refused if a failed call had kept a lease.
      try (MoeModel model = layer.open(bestTier(), slots)) {
        layer.cut(layer.spec.fc1().weights().offset() + layer.spec.fc1().weights().length() / 2);
        for (int i = 0; i < 5; i++) {
          var e =
              assertThrows(
                  IOException.class, () -> layer.run(model.layer(0), x, logits, Team.caller()));
          String message = e.getMessage();
          assertTrue(message.matches("moe of weights, expert \\d+: reading .*"), message);
          assertTrue(message.contains(layer.file().toString()), message);
        }
        layer.repair();
        while (model.statistics().slotBytes()
            != model.layer(0).mask().cardinality() * layer.expertBytes()) {
          Thread.onSpinWait();
        }
        float[] out = layer.run(model.layer(0), x, logits, Team.caller());
        assertArrayEquals(bits(expected), bits(out), "slots " + slots);
      }
    }
  }

  @Test
  void aTokenWithoutALogitIsNamedAndHarmsNobody() throws IOException {
    var layer = small(new Random(4), 4, 2);
    try (MoeModel model = layer.open(bestTier(), 2)) {
      float[] x = LayerFixture.values(new Random(5), 3 * 13, 1);
      float[] logits = new float[3 * 4];
      Arrays.fill(logits, 8, 12, Float.NEGATIVE_INFINITY);
      var e =
          assertThrows(
              RoutingException.class, () -> layer.run(model.layer(0), x, logits, Team.caller()));
      assertEquals("moe of weights: token 2 has no finite gate logit", e.getMessage());
      logits[9] = 1;
      layer.run(model.layer(0), x, logits, Team.caller());
    }
  }

  @Test
  void aTierThatCannotRunLeavesNothingOpen() throws IOException {
    Tier missing = Kernels.availability(Tier.NEON).isAvailable() ? Tier.AVX2 : Tier.NEON;
    var layer = small(new Random(4), 4, 2);
    assertThrows(IllegalStateException.class, () -> layer.open(missing, 4));
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void sessionsOfOneModelShareWhatIsResident() throws IOException {
    var layer = small(new Random(4), 4, 4);
    float[] x = LayerFixture.values(new Random(5), 13, 1);
    try (MoeModel a = layer.open(bestTier(), 4);
        MoeModel b = layer.open(bestTier(), 4)) {
      layer.run(a.layer(0), x, new float[4], Team.caller());
      layer.run(b.layer(0), x, new float[4], Team.caller());
      assertEquals(4, b.statistics().loads());
      assertEquals(4, b.statistics().hits());
    }
  }
}
