package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The provider's results beside those of ONNX Runtime alone, on the same models and inputs. */
class StockComparisonTest {
  private static final double TOLERANCE = 1e-4;

  @TempDir Path folder;

  /** Every combination of what changes the arithmetic; the sizes are odd and differ. */
  static List<MoeModelSpec> combinations() {
    List<MoeModelSpec> specs = new ArrayList<>();
    Random random = new Random(7);
    for (Activation activation : Activation.values()) {
      for (int experts : new int[] {4, 8, 32, 128}) {
        for (int topK : new int[] {1, 2, 4, 8}) {
          if (topK <= experts) {
            for (int flags = 0; flags < 4; flags++) {
              specs.add(
                  MoeModelSpec.small()
                      .withExperts(experts)
                      .withTopK(topK)
                      .withActivation(activation)
                      .withBias((flags & 1) != 0)
                      .withNormalize((flags & 2) != 0)
                      .withSizes(3 + random.nextInt(40), 1 + random.nextInt(40))
                      .withSeed(specs.size()));
            }
          }
        }
      }
    }
    return specs;
  }

  @Tag("slow")
  @ParameterizedTest
  @MethodSource("combinations")
  void equalsStockAtEveryBudget(MoeModelSpec spec) throws IOException, OrtException {
    compare(spec);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void equalsStockWithLimits(Activation activation) throws IOException, OrtException {
    compare(
        MoeModelSpec.small()
            .withLayers(2)
            .withActivation(activation)
            .withSwiglu(1.702f, 1, 0.5f)
            .withBias(true)
            .withSizes(33, 17));
  }

  @ParameterizedTest
  @EnumSource(Storage.class)
  void equalsStockWhereverWeightsAre(Storage storage) throws IOException, OrtException {
    compare(MoeModelSpec.small().withLayers(2).withStorage(storage).withSizes(24, 9));
  }

  @ParameterizedTest
  @EnumSource(value = Router.class, names = "INPUT", mode = EnumSource.Mode.EXCLUDE)
  void equalsStockWithEveryRouter(Router router) throws IOException, OrtException {
    compare(MoeModelSpec.small().withRouter(router).withRank(2));
  }

  @Test
  void equalsStockAtOddOffsets() throws IOException, OrtException {
    compare(MoeModelSpec.small().withLayout(1, 3).withSizes(5, 7).withBias(true));
  }

  @Test
  void equalsStockWithHiddenStatesOfRank3() throws IOException, OrtException {
    compare(MoeModelSpec.small().withRank(3));
  }

  @Test
  void choosesAsStockDoesAmongEqualLogits() throws IOException, OrtException {
    // Hidden states of zero make every logit zero; the biases tell the experts apart.
    MoeModelSpec spec = MoeModelSpec.small().withExperts(32).withTopK(3).withBias(true);
    Path model = MoeModels.write(folder.resolve("ties.onnx"), spec);
    float[] zeros = new float[5 * spec.hidden()];
    try (Host stock = Host.stock(model, spec);
        Host warmgate = Host.warmgate(model, spec, Map.of())) {
      assertTrue(Host.error(stock.run(zeros), warmgate.run(zeros)) <= TOLERANCE);
    }
  }

  @Test
  void takesAModelFromMemory() throws IOException, OrtException {
    MoeModelSpec spec = MoeModelSpec.small().withStorage(Storage.EMBEDDED).withBias(true);
    Path model = MoeModels.write(folder.resolve("embedded.onnx"), spec);
    try (Host stock = Host.stock(model, spec);
        Host warmgate =
            Host.warmgate(Files.readAllBytes(model), spec, Map.of("expert_memory", "25%"))) {
      assertTrue(Host.error(stock.run(9, 1), warmgate.run(9, 1)) <= TOLERANCE);
    }
  }

  /** ONNX Runtime invents a file name in that folder, so that external data is found beside it. */
  @ParameterizedTest
  @EnumSource(
      value = Storage.class,
      names = {"EMBEDDED", "EXTERNAL"})
  void takesAModelFromMemoryWithAFolder(Storage storage) throws IOException, OrtException {
    MoeModelSpec spec = MoeModelSpec.small().withStorage(storage).withBias(true);
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    try (Host stock = Host.stock(model, spec);
        Host warmgate = Host.warmgate(Files.readAllBytes(model), folder, spec)) {
      assertTrue(Host.error(stock.run(9, 1), warmgate.run(9, 1)) <= TOLERANCE);
    }
  }

  @Test
  void servesNoTokens() throws IOException, OrtException {
    MoeModelSpec spec = MoeModelSpec.small();
    Path model = MoeModels.write(folder.resolve("none.onnx"), spec);
    try (Host warmgate = Host.warmgate(model, spec, Map.of())) {
      assertEquals(0, warmgate.run(0, 1).length);
    }
  }

  private void compare(MoeModelSpec spec) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    Path reference = model;
    MoeModelSpec referenceSpec = spec;
    if (spec.activation() == Activation.SWIGLU_HALVES) {
      // The same function with its rows in the order that ONNX Runtime's own kernel wants.
      referenceSpec = spec.withActivation(Activation.SWIGLU_INTERLEAVED);
      reference = MoeModels.write(folder.resolve("reference.onnx"), referenceSpec);
    }
    float[] one;
    float[] many;
    try (Host stock = Host.stock(reference, referenceSpec)) {
      one = stock.run(1, 11);
      many = stock.run(64, 12);
    }
    float[] firstMany = null;
    String oneExpert = Long.toString(spec.bytesPerExpert());
    for (String budget : List.of("100%", "40%", oneExpert)) {
      try (Host warmgate = Host.warmgate(model, spec, Map.of("expert_memory", budget))) {
        String what = spec + " with " + budget;
        assertTrue(Host.error(one, warmgate.run(1, 11)) <= TOLERANCE, what);
        float[] result = warmgate.run(64, 12);
        assertTrue(Host.error(many, result) <= TOLERANCE, what);
        if (firstMany == null) {
          firstMany = result;
        }
        assertArrayEquals(firstMany, result, what + ": the bits differ from those with all");
      }
    }
  }
}
