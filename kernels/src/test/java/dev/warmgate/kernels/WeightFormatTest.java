package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warmgate.kernels.WeightFormat.Quantised;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The feed-forward steps on weights that aren't fp32. */
@ParameterizedClass
@EnumSource(Tier.class)
class WeightFormatTest {
  private static final Kernels ORACLE = Kernels.of(Tier.SCALAR);
  private static final int[] SIZES = {4, 12, 16, 20, 32, 36, 64, 68, 100, 128, 132, 260, 516};
  private static final int[] TOKENS = {1, 1, 2, 3, 4, 5, 7, 13, 64};

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  private static List<WeightFormat> formats() {
    List<WeightFormat> formats = new ArrayList<>(List.of(WeightFormat.Real.FP16));
    for (int bits : new int[] {8, 4, 2}) {
      for (int block : new int[] {0, 16, 32, 64, 128, 1024}) {
        for (RealType scales : RealType.values()) {
          formats.add(new Quantised(bits, block, scales, scales));
        }
      }
    }
    formats.add(new Quantised(4, 32, RealType.FP16, RealType.FP32));
    return formats;
  }

  private static WeightCase random(WeightFormat format, Precision precision, long seed) {
    Random random = new Random(seed);
    Activation[] activations = Activation.values();
    FfnShape shape =
        new FfnShape(
            SIZES[random.nextInt(SIZES.length)],
            SIZES[random.nextInt(SIZES.length)],
            activations[random.nextInt(activations.length)],
            1.702f,
            1,
            7,
            format,
            precision);
    int tokens = TOKENS[random.nextInt(TOKENS.length)];
    return new WeightCase(shape, tokens, random.nextBoolean(), random.nextBoolean(), seed);
  }

  @Test
  void exactIsDequantisedThenMultiplied() {
    for (WeightFormat format : formats()) {
      for (long seed = 0; seed < 4; seed++) {
        if (!Sample.takes(formats().indexOf(format) * 4L + seed)) {
          continue;
        }
        WeightCase layer = random(format, Precision.EXACT, seed);
        float[] actual = layer.down(kernels, 1, (int) seed, false);
        assertClose(layer.expectedDown(), actual, 1e-5, layer);
      }
    }
  }

  @Test
  void bothStepsAgreeWithTheOracle() {
    for (WeightFormat format : formats()) {
      for (Precision precision : Precision.values()) {
        for (long seed = 10; seed < 14; seed++) {
          if (Sample.takes(formats().indexOf(format) * 4L + seed)) {
            check(random(format, precision, seed));
          }
        }
      }
    }
  }

  @Test
  void longRows() {
    for (int bits : new int[] {8, 4, 2}) {
      for (Precision precision : Precision.values()) {
        WeightFormat format = new Quantised(bits, bits == 8 ? 0 : 32, RealType.FP32, RealType.FP32);
        FfnShape shape = FfnShape.of(4100, 20, Activation.SWIGLU_INTERLEAVED);
        check(new WeightCase(shape.with(format, precision), 3, bits == 4, true, bits));
        shape = FfnShape.of(20, 4100, Activation.SILU);
        check(new WeightCase(shape.with(format, precision), 2, bits == 2, false, bits));
      }
    }
  }

  @Test
  void oddColumnsOf8Bits() {
    for (Precision precision : Precision.values()) {
      for (int block : new int[] {0, 16}) {
        WeightFormat format = new Quantised(8, block, RealType.FP32, RealType.FP32);
        FfnShape shape = FfnShape.of(37, 19, Activation.GELU).with(format, precision);
        check(new WeightCase(shape, 5, true, true, 1));
      }
    }
  }

  private void check(WeightCase layer) {
    int gap = layer.tokens % 4;
    assertClose(
        widened(layer.up(ORACLE, 1, 0, false)), layer.up(kernels, 1, gap, false), 2e-5, layer);
    // fast: equal but for a value halfway between two integers, which may go either way.
    double tolerance = layer.shape.precision() == Precision.FAST ? 2e-4 : 1e-5;
    assertClose(
        widened(layer.down(ORACLE, 1, 0, false)),
        layer.down(kernels, 1, gap, false),
        tolerance,
        layer);
  }

  @Test
  void fastIsCloseToExact() {
    for (int bits : new int[] {8, 4, 2}) {
      WeightFormat format = new Quantised(bits, 32, RealType.FP32, RealType.FP32);
      FfnShape shape = FfnShape.of(256, 512, Activation.IDENTITY);
      WeightCase exact = new WeightCase(shape.with(format, Precision.EXACT), 4, true, false, 1);
      WeightCase fast = new WeightCase(shape.with(format, Precision.FAST), 4, true, false, 1);
      float[] actual = fast.down(kernels, 1, 0, false);
      assertClose(exact.expectedDown(), actual, 0.02, fast);
      assertTrue(
          error(exact.expectedDown(), actual) > 1e-4, "fast rounds activations, or it is exact");
    }
  }

  @Test
  void bitsDoNotDependOnPartsOrGroups() {
    for (WeightFormat format : formats()) {
      for (Precision precision : Precision.values()) {
        // Shapes and numbers of tokens come from the seed.
        for (int seed = 77; seed < 82; seed++) {
          bitsDoNotDependOnPartsOrGroups(random(format, precision, seed));
        }
      }
    }
  }

  private void bitsDoNotDependOnPartsOrGroups(WeightCase layer) {
    float[] up = layer.up(kernels, 1, 0, false);
    float[] down = layer.down(kernels, 1, 0, false);
    for (int parts : new int[] {2, 5}) {
      assertArrayEquals(up, layer.up(kernels, parts, 1, false), layer.toString());
      assertArrayEquals(down, layer.down(kernels, parts, 1, false), layer.toString());
    }
    assertArrayEquals(up, layer.up(kernels, 1, 0, true), layer.toString());
    assertArrayEquals(down, layer.down(kernels, 1, 0, true), layer.toString());
  }

  /** A variant multiplies integers in another way, and integers have one sum. */
  @Test
  void aVariantGivesTheBitsOfItsTier() {
    assumeTrue(tier != tier.base(), "not a variant");
    Kernels base = Kernels.of(tier.base());
    for (WeightFormat format : formats()) {
      for (Precision precision : Precision.values()) {
        WeightCase layer = random(format, precision, 90);
        assertArrayEquals(
            layer.up(base, 1, 0, false), layer.up(kernels, 1, 0, false), layer.toString());
        assertArrayEquals(
            layer.down(base, 1, 0, false), layer.down(kernels, 1, 0, false), layer.toString());
      }
    }
  }

  @Test
  void whatIsNotFiniteIsNotHidden() {
    WeightFormat format = new Quantised(4, 32, RealType.FP32, RealType.FP32);
    FfnShape shape = FfnShape.of(64, 32, Activation.IDENTITY);
    for (Precision precision : Precision.values()) {
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        float[] out =
            new WeightCase(shape.with(format, precision), 2, false, false, 1)
                .withInput(5, bad)
                .up(kernels, 1, 0, false);
        for (int i = 0; i < 32; i++) {
          assertTrue(!Float.isFinite(out[i]), "token 0");
          assertTrue(Float.isFinite(out[32 + i]), "token 1");
        }
      }
    }
  }

  @Test
  void sizes() {
    Quantised rows = new Quantised(2, 0, RealType.FP16, RealType.FP32);
    assertEquals(7 * 3, rows.weightBytes(7, 9));
    assertEquals(7 * 2, rows.scaleBytes(7, 9));
    assertEquals(2, rows.zeroPointBytes(7, 9));
    assertEquals(7 * 4, rows.biasBytes(7));
    Quantised blocks = new Quantised(4, 16, RealType.FP32, RealType.FP16);
    assertEquals(7 * 25, blocks.weightBytes(7, 50));
    assertEquals(7 * 4 * 4, blocks.scaleBytes(7, 50));
    assertEquals(7 * 2, blocks.zeroPointBytes(7, 50));
    assertEquals(7 * 2, blocks.biasBytes(7));
  }

  @Test
  void malformed() {
    for (int bits : new int[] {0, 1, 3, 16, -4}) {
      refused(() -> new Quantised(bits, 32, RealType.FP32, RealType.FP32));
    }
    for (int block : new int[] {-16, 8, 24, 15, 17}) {
      refused(() -> new Quantised(4, block, RealType.FP32, RealType.FP32));
    }
    WeightFormat format = new Quantised(4, 16, RealType.FP32, RealType.FP32);
    FfnShape shape = FfnShape.of(32, 48, Activation.SILU).with(format, Precision.FAST);
    try (Arena arena = Arena.ofConfined();
        FfnBatch batch = new FfnBatch(shape, 4)) {
      MemorySegment none = MemorySegment.NULL;
      MemorySegment some = arena.allocate(4096, 64);
      batch.begin(1, 1, some, some, some, some, some, 1);
      MemorySegment ids = arena.allocate(4);
      Matrix fc1 = matrix(arena, 48 * 16, 48 * 2 * 4, 48, 48 * 4);
      Matrix fc2 = matrix(arena, 32 * 24, 32 * 3 * 4, 32 * 2, 32 * 4);
      batch.add(new ExpertWeights(fc1, fc2), ids, 1);
      for (int part = 0; part < 4; part++) {
        Matrix short1 = shorter(fc1, part);
        Matrix short2 = shorter(fc2, part);
        refused(() -> batch.add(new ExpertWeights(short1, fc2), ids, 1));
        refused(() -> batch.add(new ExpertWeights(fc1, short2), ids, 1));
      }
      refused(() -> batch.add(new ExpertWeights(Matrix.real(fc1.weights(), none), fc2), ids, 1));
    }
  }

  private static Matrix matrix(Arena arena, int weights, int scales, int zeros, int bias) {
    return new Matrix(
        arena.allocate(weights),
        arena.allocate(scales),
        arena.allocate(zeros),
        arena.allocate(bias));
  }

  private static Matrix shorter(Matrix m, int part) {
    MemorySegment[] parts = {m.weights(), m.scales(), m.zeroPoints(), m.bias()};
    parts[part] = parts[part].asSlice(0, parts[part].byteSize() - 1);
    return new Matrix(parts[0], parts[1], parts[2], parts[3]);
  }

  private static void refused(Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(!e.getMessage().isBlank() && !e.getMessage().contains("\n"));
  }

  private static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private static void assertClose(
      double[] expected, float[] actual, double tolerance, WeightCase layer) {
    double error = error(expected, actual);
    assertTrue(error <= tolerance, "error " + error + " in " + layer);
  }

  private static double error(double[] expected, float[] actual) {
    assertEquals(expected.length, actual.length);
    double scale = 1;
    double error = 0;
    for (int i = 0; i < actual.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      double difference = Math.abs(expected[i] - actual[i]);
      // Written so that NaN is an error.
      error = difference <= error ? error : difference;
    }
    return error / scale;
  }
}
