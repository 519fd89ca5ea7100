package dev.warmgate.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Generated models load in stock ONNX Runtime, and {@link MoeReference} computes what it does. */
class MoeSemanticsTest {
  private static final float NONE = Float.NEGATIVE_INFINITY;
  private static final float LOWEST = -3.4e38f;

  @TempDir Path folder;

  static Stream<MoeModelSpec> combinations() {
    List<MoeModelSpec> specs = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      if (activation != Activation.SWIGLU_HALVES) {
        for (int topK : new int[] {1, 2, 4, 8}) {
          for (boolean bias : new boolean[] {false, true}) {
            for (boolean normalize : new boolean[] {false, true}) {
              specs.add(
                  MoeModelSpec.small()
                      .withSizes(19, 13)
                      .withActivation(activation)
                      .withTopK(topK)
                      .withBias(bias)
                      .withNormalize(normalize)
                      .withSeed(specs.size()));
            }
          }
        }
      }
    }
    return specs.stream();
  }

  static Stream<MoeModelSpec> forms() {
    MoeModelSpec spec = MoeModelSpec.small().withBias(true);
    MoeModelSpec swiglu = spec.withActivation(Activation.SWIGLU_INTERLEAVED);
    return Stream.of(
        spec.withLayers(3),
        spec.withRank(3),
        spec.withRank(3).withRouter(Router.MATMUL_BIAS).withLayers(2),
        spec.withRouter(Router.MATMUL_BIAS),
        spec.withRouter(Router.GEMM),
        spec.withRouter(Router.INPUT).withLayers(2),
        spec.withStorage(Storage.EMBEDDED),
        spec.withLayout(1, 0).withSizes(7, 5),
        spec.withLayout(1, 3).withSizes(7, 5).withLayers(2),
        spec.withExperts(4).withTopK(4).withSizes(1, 1),
        spec.withExperts(32).withSizes(33, 65),
        spec.withExperts(128).withTopK(8).withNormalize(true),
        swiglu.withSwiglu(1, 0, Float.POSITIVE_INFINITY),
        swiglu.withSwiglu(1.702f, 1, 7),
        swiglu.withSwiglu(1.702f, 1, 0.25f),
        swiglu.withSwiglu(1, 0.5f, 0));
  }

  @ParameterizedTest
  @MethodSource({"combinations", "forms"})
  void ortComputesTheSame(MoeModelSpec spec) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    var random = new Random(spec.seed());
    try (var ort = new StockOrt(model, spec)) {
      for (int tokens : new int[] {1, 7, 0}) {
        float[] hidden = gaussians(random, tokens * spec.hidden());
        List<float[]> routers = new ArrayList<>();
        if (spec.router() == Router.INPUT) {
          for (int layer = 0; layer < spec.layers(); layer++) {
            routers.add(gaussians(random, tokens * spec.experts()));
          }
        }
        double[] expected = new MoeReference(spec).run(hidden, routers);
        assertClose(expected, ort.run(hidden, routers), spec + ", " + tokens + " tokens");
      }
    }
  }

  @Test
  void tiesGoToTheHigherIdAndUnusableLogitsGiveZero() throws IOException, OrtException {
    float[][] cases = {
      {1, 1, 1, 1, 1, 1, 1, 1},
      {0, 2, 2, 1, 2, 0, 2, 0},
      {1e-9f, 0, -1, -1, -1, -1, -1, -1},
      {0, 1e-9f, -1, -1, -1, -1, -1, -1},
      {5, Math.nextUp(5f), 5, 1, 5, 1, 1, 1},
      {NONE, 1, NONE, NONE, NONE, NONE, NONE, NONE},
      {NONE, 1, NONE, 3, NONE, NONE, 2, NONE},
      {NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE},
      {LOWEST, 1, 2, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST},
      {LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST},
      {0, 200, -200, 100, 0, 0, 0, 0},
      {1, Float.NaN, 2, 0, 0, 0, 0, 0},
      {Float.NaN, 1, 2, 0, 0, 0, 0, 0},
      {0, 1, 2, 0, 0, 0, 0, Float.NaN},
      {Float.POSITIVE_INFINITY, 1, 2, 0, 0, 0, 0, 0},
      {3e38f, -3e38f, 0, 0, 0, 0, 0, 0},
    };
    var random = new Random(5);
    float[] hidden = gaussians(random, cases.length * 16);
    float[] logits = new float[cases.length * 8];
    for (int token = 0; token < cases.length; token++) {
      System.arraycopy(cases[token], 0, logits, token * 8, 8);
    }
    for (int topK : new int[] {1, 2, 3, 8}) {
      for (boolean normalize : new boolean[] {false, true}) {
        MoeModelSpec spec =
            MoeModelSpec.small()
                .withRouter(Router.INPUT)
                .withTopK(topK)
                .withNormalize(normalize)
                .withActivation(Activation.IDENTITY);
        Path model = MoeModels.write(folder.resolve("ties.onnx"), spec);
        double[] expected = new MoeReference(spec).run(hidden, List.of(logits));
        for (int i : new int[] {0, 15}) {
          assertEquals(hidden[11 * 16 + i], expected[11 * 16 + i], "NaN leaves the residual alone");
        }
        try (var ort = new StockOrt(model, spec)) {
          assertClose(expected, ort.run(hidden, List.of(logits)), spec.toString());
        }
      }
    }
  }

  @Test
  void ortRefusesWhatTheFinderRefuses() throws IOException {
    assertRefused(MoeModelSpec.small().withTopK(0));
    assertRefused(MoeModelSpec.small().withTopK(9));
    assertThrows(
        OrtException.class,
        () -> runOnce(MoeModelSpec.small().withActivation(Activation.SWIGLU_HALVES)));
  }

  @Test
  void halvesAreTheInterleavedRowsInAnotherOrder() {
    MoeModelSpec spec = MoeModelSpec.small().withBias(true);
    var interleaved = new MoeWeights(spec.withActivation(Activation.SWIGLU_INTERLEAVED));
    var halves = new MoeWeights(spec.withActivation(Activation.SWIGLU_HALVES));
    for (MoeWeights.Part part :
        List.of(MoeWeights.Part.FC1, MoeWeights.Part.FC1_BIAS, MoeWeights.Part.FC2)) {
      float[] a = all(interleaved, part);
      float[] b = all(halves, part);
      if (part == MoeWeights.Part.FC2) {
        assertArrayEquals(a, b);
        continue;
      }
      int width = part == MoeWeights.Part.FC1 ? spec.hidden() : 1;
      int rows = 2 * spec.inner();
      for (int row = 0; row < rows * spec.experts(); row++) {
        int own = row % rows;
        int there = row - own + own / 2 + (own % 2) * spec.inner();
        for (int column = 0; column < width; column++) {
          assertEquals(a[row * width + column], b[there * width + column], part + " row " + row);
        }
      }
    }
  }

  private void assertRefused(MoeModelSpec spec) throws IOException {
    assertThrows(OrtException.class, () -> runOnce(spec), spec.toString());
    var inspection =
        ModelInspection.of(OnnxModel.read(MoeModels.write(folder.resolve("k.onnx"), spec)));
    assertEquals(1, inspection.unsupported().size());
    assertTrue(inspection.layers().isEmpty());
  }

  private void runOnce(MoeModelSpec spec) throws IOException, OrtException {
    try (var ort = new StockOrt(MoeModels.write(folder.resolve("once.onnx"), spec), spec)) {
      ort.run(new float[spec.hidden()], List.of());
    }
  }

  private static float[] all(MoeWeights weights, MoeWeights.Part part) {
    var buffer = FloatBuffer.allocate((int) weights.elements(part));
    weights.fill(0, part, 0, buffer);
    return buffer.array();
  }

  private static float[] gaussians(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static void assertClose(double[] expected, float[] actual, String message) {
    assertEquals(expected.length, actual.length, message);
    double scale = 1;
    for (double value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < actual.length; i++) {
      assertEquals(expected[i], actual[i], 1e-5 * scale, message + ", element " + i);
    }
  }
}
