package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
class FfnTest {
  private static final float TINY = 1e-30f; // so that 0 and -0 are equal
  private static final Kernels ORACLE = Kernels.of(Tier.SCALAR);
  private static final int[] SIZES = {
    1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20, 31, 32, 33, 48, 63, 64, 65, 100, 129
  };
  private static final int[] TOKENS = {1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 70};

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void agreesWithTheOracle() {
    for (Activation activation : Activation.values()) {
      for (int i = 0; i < 40; i++) {
        if (!Sample.takes(FfnLayout.code(activation) * 40L + i)) {
          continue;
        }
        long seed = activation.name().hashCode() * 1000L + i;
        check(random(activation, seed));
      }
    }
  }

  @Test
  void manyExperts() {
    check(new FfnCase(shape(9, 5, Activation.SILU), 300, 70, 16, true, 1));
  }

  @Test
  void longRows() {
    check(new FfnCase(shape(2048, 67, Activation.SWIGLU_HALVES), 2, 7, 2, true, 2));
    check(new FfnCase(shape(70, 3001, Activation.SWIGLU_INTERLEAVED), 2, 7, 2, true, 3));
  }

  @Test
  void noTokens() {
    FfnCase empty = new FfnCase(shape(8, 8, Activation.RELU), 2, 0, 2, false, 4);
    assertEquals(0, empty.run(kernels).out().length);
  }

  private FfnCase random(Activation activation, long seed) {
    Random random = new Random(seed);
    FfnShape shape =
        new FfnShape(
            SIZES[random.nextInt(SIZES.length)],
            SIZES[random.nextInt(SIZES.length)],
            activation,
            random.nextBoolean() ? 1f : 1.702f,
            random.nextInt(2),
            random.nextBoolean() ? Float.POSITIVE_INFINITY : random.nextFloat() * 2);
    int experts = 1 + random.nextInt(10);
    int topK = 1 + random.nextInt(experts);
    int tokens = TOKENS[random.nextInt(TOKENS.length)];
    return new FfnCase(shape, experts, tokens, topK, random.nextBoolean(), seed);
  }

  private void check(FfnCase layer) {
    int gap = (int) Math.floorMod(layer.seed, 4L);
    FfnCase.Result expected = layer.run(ORACLE);
    FfnCase.Result actual = layer.run(kernels, 1, 1, gap, false);
    // Sums of n products of size 1/sqrt(n) each; gated values grow with their square.
    double rounding = 4e-7 * (8 + Math.sqrt(Math.max(layer.shape.hidden(), layer.shape.inner())));
    assertClose(expected.inner(), actual.inner(), rounding, "inner of " + layer);
    assertClose(expected.partial(), actual.partial(), rounding, "partial of " + layer);
    assertClose(expected.out(), actual.out(), rounding * layer.topK, "out of " + layer);
  }

  private static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    double scale = 1;
    for (float value : expected) {
      // What nobody wrote holds the guarded memory's pattern, some 1.5e16, in both.
      scale = Math.abs(value) < 1e6 ? Math.max(scale, Math.abs(value)) : scale;
    }
    for (int i = 0; i < expected.length; i++) {
      int at = i;
      double error = Math.abs((double) expected[i] - actual[i]);
      assertTrue(
          error <= tolerance * scale,
          () -> what + " at " + at + ": " + expected[at] + " but " + actual[at] + ", off " + error);
    }
  }

  @Test
  void bitsDoNotDependOnPartsWavesOrGroups() {
    for (Activation activation : Activation.values()) {
      for (int i = 0; i < 8; i++) {
        FfnCase layer = random(activation, 77_000L + i);
        FfnCase.Result expected = layer.run(kernels);
        for (int parts : new int[] {2, 3, 7}) {
          same(
              expected, layer.run(kernels, parts, 1, parts % 4, false), parts + " parts, " + layer);
        }
        for (int waves = 2; waves <= 3; waves++) {
          same(expected, layer.run(kernels, 2, waves, 0, false), waves + " waves, " + layer);
        }
        same(expected, layer.run(kernels, 1, 1, 0, true), "one token at a time, " + layer);
      }
    }
  }

  @Test
  void bitsOfLargePanelsAreThoseOfSmallOnes() {
    // Two panels of up to 128 rows in one part; with 7 parts the panels begin elsewhere.
    FfnCase layer = new FfnCase(shape(131, 150, Activation.SWIGLU_INTERLEAVED), 1, 20, 1, true, 5);
    same(layer.run(kernels), layer.run(kernels, 7, 1, 1, false), layer.toString());
  }

  private static void same(FfnCase.Result expected, FfnCase.Result actual, String what) {
    assertArrayEquals(expected.inner(), actual.inner(), what);
    assertArrayEquals(expected.partial(), actual.partial(), what);
    assertArrayEquals(expected.out(), actual.out(), what);
  }

  /** One weight of 1 passes the activation through: out = activation(x). */
  @Test
  void activationsAreAccurate() {
    float[] x = new float[4001];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 2000) / 20f;
    }
    for (Activation activation : Activation.values()) {
      FfnShape shape = new FfnShape(1, 1, activation, 1.702f, 1f, 7f);
      float[] one = {1};
      float[] fc1 = activation.gated() ? new float[] {1, 0.5f} : one;
      float[] out = passThrough(shape, fc1, one, x);
      for (int i = 0; i < x.length; i++) {
        double expected =
            activation.gated()
                ? ScalarActivation.gated(shape, x[i], x[i] * 0.5)
                : ScalarActivation.apply(activation, x[i]);
        // The rounding of sigmoid's argument grows with it; far out the result is nearly 0.
        double tolerance = Math.abs(expected) * (1e-6 + Math.abs(x[i]) * 1e-6) + 1e-30;
        assertTrue(
            Math.abs(expected - out[i]) <= tolerance,
            activation + " of " + x[i] + ": " + expected + " but " + out[i]);
      }
    }
  }

  @Test
  void activationsAtTheEdges() {
    float inf = Float.POSITIVE_INFINITY;
    float[] x = {Float.NaN, inf, -inf, 1e30f, -1e30f, -1e10f};
    float[] one = {1};
    assertArrayEquals(
        new float[] {0, inf, 0, 1e30f, 0, 0},
        passThrough(shape(1, 1, Activation.RELU), one, one, x),
        TINY);
    assertArrayEquals(x, passThrough(shape(1, 1, Activation.IDENTITY), one, one, x), TINY);
    for (Activation smooth : new Activation[] {Activation.GELU, Activation.SILU}) {
      float[] out = passThrough(shape(1, 1, smooth), one, one, x);
      assertArrayEquals(new float[] {Float.NaN, inf, Float.NaN, 1e30f, 0, 0}, out, TINY);
    }
    // limit = 0: no gate above 0, no linear part.
    FfnShape closed = new FfnShape(1, 1, Activation.SWIGLU_HALVES, 1, 1, 0);
    float[] out = passThrough(closed, new float[] {1, 1}, one, new float[] {3, -1});
    assertEquals(0f, out[0]);
    assertEquals(-1 / (1 + Math.exp(1)), out[1], 1e-6);
  }

  private float[] passThrough(FfnShape shape, float[] fc1, float[] fc2, float[] x) {
    FfnCase layer = new FfnCase(shape, 1, x.length, 1, false, 6);
    return layer.withInput(x).withWeights(0, fc1, null, fc2, null).run(kernels).partial();
  }

  /** A variant has its tier's last step: nothing in it depends on how weights are stored. */
  @Test
  void nativeTiersHaveFunctionsOfTheirOwn() {
    for (Step step : Step.values()) {
      MemorySegment function = kernels.function(step);
      if (tier == Tier.SCALAR) {
        assertEquals(MemorySegment.NULL, function);
        continue;
      }
      assertNotEquals(0, function.address());
      for (Tier other : Tier.values()) {
        if (other != tier && Kernels.availability(other).isAvailable()) {
          boolean shared = step == Step.COMBINE && other.base() == tier.base();
          assertEquals(
              shared, function.equals(Kernels.of(other).function(step)), step + " " + other);
        }
      }
    }
  }

  private static FfnShape shape(int hidden, int inner, Activation activation) {
    return FfnShape.of(hidden, inner, activation);
  }
}
