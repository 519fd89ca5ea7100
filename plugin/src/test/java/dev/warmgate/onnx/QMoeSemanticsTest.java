package dev.warmgate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What ONNX Runtime's CPU kernel of {@code QMoE} accepts and computes, and that {@link
 * QMoeReference} computes the same; docs/adr/0008 is the summary.
 */
class QMoeSemanticsTest {
  private static final float NONE = Float.NEGATIVE_INFINITY;
  private static final float LOWEST = -3.4e38f;
  private static final QMoeModelSpec SMALL = QMoeModelSpec.small();
  private static final MoeModelSpec MOE =
      MoeModelSpec.small().withSizes(48, 36).withRouter(Router.INPUT);

  @TempDir Path folder;

  static List<QMoeModelSpec> formats() {
    List<QMoeModelSpec> specs = new ArrayList<>();
    for (int bits : new int[] {8, 4, 2}) {
      for (int block : new int[] {0, 16, 32, 64, 128}) {
        for (boolean zeroPoints : new boolean[] {false, true}) {
          for (ElementType type : new ElementType[] {ElementType.FLOAT, ElementType.FLOAT16}) {
            // The last block of a row is not full.
            int most = Math.max(block, 16);
            specs.add(
                SMALL
                    .with(MOE.withSizes(2 * most + 4, most + 8).withSeed(specs.size()))
                    .withFormat(bits, block, zeroPoints)
                    .withType(type));
          }
        }
      }
    }
    return specs;
  }

  static List<QMoeModelSpec> forms() {
    List<QMoeModelSpec> specs = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      if (activation != Activation.SWIGLU_HALVES) {
        for (boolean bias : new boolean[] {false, true}) {
          MoeModelSpec moe = MOE.withActivation(activation).withBias(bias);
          specs.add(SMALL.with(moe));
          specs.add(SMALL.with(moe).withType(ElementType.FLOAT16));
          specs.add(QMoeModelSpec.half().with(moe));
          specs.add(QMoeModelSpec.half().with(moe.withNormalize(true)));
        }
      }
    }
    MoeModelSpec swiglu = MOE.withActivation(Activation.SWIGLU_INTERLEAVED);
    specs.add(SMALL.with(swiglu.withSwiglu(1, 0, Float.POSITIVE_INFINITY)));
    specs.add(SMALL.with(swiglu.withSwiglu(1.702f, 1, 7)));
    specs.add(SMALL.with(swiglu.withSwiglu(1.702f, 1, 0.25f)));
    for (int topK : new int[] {1, 4, 16}) {
      specs.add(SMALL.with(MOE.withExperts(16).withTopK(topK)));
    }
    // Ignored without router weights.
    specs.add(SMALL.with(MOE.withNormalize(true)));
    specs.add(SMALL.withRouterWeights(true).with(MOE));
    specs.add(SMALL.withRouterWeights(true).with(MOE.withNormalize(true)));
    specs.add(
        SMALL.withRouterWeights(true).with(MOE.withNormalize(true)).withType(ElementType.FLOAT16));
    specs.add(SMALL.with(MOE.withRank(3)));
    specs.add(SMALL.with(MOE.withRouter(Router.MATMUL).withLayers(3)));
    specs.add(SMALL.with(MOE.withRouter(Router.MATMUL).withLayers(2).withRank(3)));
    // Sizes that fill no byte, no block.
    specs.add(SMALL.with(MOE.withSizes(37, 19)).withFormat(8, 16, true));
    specs.add(SMALL.with(MOE.withSizes(37, 19)).withFormat(8, 0, true));
    specs.add(SMALL.with(MOE.withSizes(4, 4)).withFormat(2, 0, true));
    specs.add(SMALL.with(MOE.withSizes(36, 20)).withFormat(2, 0, true));
    specs.add(SMALL.with(MOE.withSizes(80, 48)).withFormat(4, 16, true));
    // One block is as much as the row, or more.
    specs.add(SMALL.with(MOE.withSizes(32, 32)).withFormat(4, 32, false));
    specs.add(SMALL.with(MOE.withSizes(32, 32)).withFormat(4, 128, false));
    specs.add(SMALL.with(MOE.withSizes(64, 32)).withFormat(4, 32, false));
    specs.add(SMALL.with(MOE.withSizes(512, 512)).withFormat(4, 256, true));
    return specs;
  }

  @ParameterizedTest
  @MethodSource({"formats", "forms"})
  void ortComputesTheSame(QMoeModelSpec spec) throws IOException, OrtException {
    assumeFalse(spec.stockIsOff(), "ONNX Runtime's fp16 MoE on this platform");
    Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
    var random = new Random(spec.moe().seed());
    try (var ort = new QMoeSession(model, spec, Map.of())) {
      for (int tokens : new int[] {1, 7, 0}) {
        QMoeInputs inputs = QMoeInputs.random(spec, tokens, random);
        assertClose(spec, inputs.expected(spec), inputs.run(ort), tokens + " tokens");
      }
    }
  }

  @Test
  void prepackingChangesNothing() throws IOException, OrtException {
    for (int bits : new int[] {8, 4, 2}) {
      QMoeModelSpec spec = SMALL.with(MOE.withSizes(64, 96)).withFormat(bits, 32, true);
      Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
      QMoeInputs inputs = QMoeInputs.random(spec, 7, new Random(1));
      try (var ort = new QMoeSession(model, spec, Map.of("session.disable_prepacking", "1"))) {
        assertClose(spec, inputs.expected(spec), inputs.run(ort), "not prepacked");
      }
    }
  }

  @Test
  void tiesGoToTheHigherIdAndUnusableLogitsGiveZero() throws IOException, OrtException {
    float[][] usable = {
      {1, 1, 1, 1, 1, 1, 1, 1},
      {0, 2, 2, 1, 2, 0, 2, 0},
      // Selected by logit: no rounding of a softmax makes these equal.
      {1e-9f, 0, -1, -1, -1, -1, -1, -1},
      {5, Math.nextUp(5f), 5, 1, 5, 1, 1, 1},
      {NONE, 1, NONE, NONE, NONE, NONE, NONE, NONE},
      {NONE, 1, NONE, 3, NONE, NONE, 2, NONE},
      {LOWEST, 1, 2, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST},
      {LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST},
      {0, 200, -200, 100, 0, 0, 0, 0},
      // Weights just above and below 1e-8, the least that counts.
      {0, 18.3f, 0, 0, 0, 0, 0, -1},
      {0, 18.5f, 0, 0, 0, 0, 0, -1},
      {3e38f, -3e38f, 0, 0, 0, 0, 0, 0},
    };
    float[][] zero = {
      {NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE},
      {Float.POSITIVE_INFINITY, 1, 2, 0, 0, 0, 0, 0},
    };
    var random = new Random(5);
    for (int topK : new int[] {1, 2, 3, 8}) {
      QMoeModelSpec spec =
          SMALL.with(MOE.withTopK(topK).withActivation(Activation.IDENTITY).withSizes(16, 16));
      Path model = QMoeModels.write(folder.resolve("ties.onnx"), spec);
      try (var ort = new QMoeSession(model, spec, Map.of())) {
        for (float[] logits : usable) {
          var inputs =
              new QMoeInputs(QMoeInputs.gaussians(spec, random, 16), List.of(logits), List.of());
          assertClose(spec, inputs.expected(spec), inputs.run(ort), "k " + topK);
        }
        for (float[] logits : zero) {
          float[] hidden = QMoeInputs.gaussians(spec, random, 16);
          float[] out = ort.run(hidden, List.of(logits), List.of());
          for (int i = 0; i < out.length; i++) {
            assertEquals(hidden[i], out[i], "only the residual");
          }
        }
      }
    }
  }

  /** ONNX Runtime has kernels for all fp32 and all fp16; what is mixed is cast. */
  @Test
  void scalesMayBeOfTheOtherType() throws IOException, OrtException {
    QMoeInputs inputs = QMoeInputs.random(SMALL.with(MOE), 3, new Random(2));
    for (ElementType type : new ElementType[] {ElementType.FLOAT, ElementType.FLOAT16}) {
      QMoeModelSpec spec = SMALL.with(MOE.withStorage(Storage.EMBEDDED)).withType(type);
      Path model = QMoeModels.write(folder.resolve("mixed.onnx"), spec, QMoeEdit.recode("scales"));
      try (var ort = new QMoeSession(model, spec, Map.of())) {
        // The reference's scales are those before.
        assertClose(inputs.expected(spec), inputs.run(ort), 2e-3, spec.toString());
      }
    }
  }

  @Test
  void refusals() throws IOException {
    QMoeModelSpec spec = SMALL.with(MOE.withSizes(64, 64));
    assertRefused(spec.with(MOE.withActivation(Activation.SWIGLU_HALVES)), QMoeEdit.NONE);
    assertRefused(
        spec,
        QMoeEdit.attribute("swiglu_fusion", 0)
            .andThen(QMoeEdit.attribute("activation_type", "swiglu")));
    assertRefused(spec, QMoeEdit.attribute("activation_type", "tanh"));
    for (int bits : new int[] {0, 1, 3, 16}) {
      assertRefused(spec, QMoeEdit.attribute("expert_weight_bits", bits));
    }
    for (int block : new int[] {-1, 8, 24}) {
      assertRefused(spec, QMoeEdit.attribute("block_size", block));
    }
    // Scales of blocks without their size.
    assertRefused(spec, QMoeEdit.attribute("block_size", 0));
    assertRefused(spec, QMoeEdit.attribute("k", 0));
    assertRefused(spec, QMoeEdit.attribute("k", 9));
    // A first matrix of one block makes both matrices row-wise.
    assertRefused(spec.with(MOE.withSizes(32, 64)).withFormat(4, 32, false), QMoeEdit.NONE);
    assertRefused(spec.with(MOE.withSizes(32, 32)).withFormat(4, 32, true), QMoeEdit.NONE);
  }

  /** Zero points of a second matrix of one block are read as if they were row-wise. */
  @Test
  void zeroPointsOfASecondMatrixOfOneBlockAreMisread() throws IOException, OrtException {
    for (int bits : new int[] {8, 4, 2}) {
      QMoeModelSpec spec = SMALL.with(MOE.withSizes(96, 64)).withFormat(bits, 64, true);
      Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
      QMoeInputs inputs = QMoeInputs.random(spec, 7, new Random(1));
      try (var ort = new QMoeSession(model, spec, Map.of())) {
        double error = error(inputs.expected(spec), inputs.run(ort));
        assertTrue(bits == 8 ? error < 1e-5 : error > 0.1, bits + " bits: " + error);
      }
    }
  }

  private void assertRefused(QMoeModelSpec spec, QMoeEdit change) throws IOException {
    Path model = QMoeModels.write(folder.resolve("refused.onnx"), spec, change);
    QMoeInputs inputs = QMoeInputs.random(spec, 1, new Random(1));
    assertThrows(
        OrtException.class,
        () -> {
          try (var ort = new QMoeSession(model, spec, Map.of())) {
            inputs.run(ort);
          }
        },
        spec.toString());
  }

  private static void assertClose(
      QMoeModelSpec spec, double[] expected, float[] actual, String message) {
    // fp16 outputs are rounded once a layer.
    double tolerance = spec.type() == ElementType.FLOAT16 ? 2e-3 : 1e-5;
    assertClose(expected, actual, tolerance, spec + ", " + message);
  }

  private static void assertClose(
      double[] expected, float[] actual, double tolerance, String message) {
    assertEquals(expected.length, actual.length, message);
    double error = error(expected, actual);
    assertTrue(error <= tolerance, message + ": error " + error);
  }

  private static double error(double[] expected, float[] actual) {
    double scale = 1;
    double error = 0;
    for (int i = 0; i < actual.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      // Written so that NaN is an error.
      error =
          Math.abs(expected[i] - actual[i]) <= error ? error : Math.abs(expected[i] - actual[i]);
    }
    return error / scale;
  }
}
