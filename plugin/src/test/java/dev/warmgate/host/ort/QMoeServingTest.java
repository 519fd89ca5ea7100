package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.QMoeInputs;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import dev.warmgate.onnx.QMoeSession;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is done for experts of any format: stores, foresight, bounded-loss routing, budgets. */
class QMoeServingTest {
  private static final QMoeModelSpec SMALL = QMoeHost.small();

  /** Layers in a row whose gates are in the model. */
  private static final QMoeModelSpec DEEP =
      SMALL.with(
          SMALL.moe().withRouter(Router.MATMUL).withLayers(5).withExperts(16).withSizes(32, 48));

  @TempDir Path folder;

  static List<QMoeModelSpec> formats() {
    return List.of(
        SMALL.with(SMALL.moe().withLayers(2).withBias(true)).withFormat(4, 16, true),
        SMALL
            .with(
                SMALL.moe().withStorage(Storage.EMBEDDED).withActivation(Activation.SWIGLU_HALVES))
            .withFormat(8, 0, true)
            .withType(ElementType.FLOAT16),
        SMALL.with(SMALL.moe().withLayout(1, 3).withSizes(44, 20)).withFormat(2, 32, false),
        QMoeModelSpec.half().with(SMALL.moe().withBias(true)));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aRepackedModelGivesTheSameBits(QMoeModelSpec spec) throws IOException, OrtException {
    Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
    Repacked repacked = Repack.open(model, false, folder.resolve("out")).write(false, () -> {});
    assertEquals(List.of(), repacked.left());
    assertEquals((long) spec.moe().layers() * spec.moe().experts(), repacked.experts());
    QMoeInputs inputs = QMoeInputs.random(spec, 20, new Random(3));
    float[] expected = run(model, spec, inputs, Map.of("expert_memory", "100%"));
    String oneExpert = Long.toString(spec.bytesPerExpert());
    for (String io : List.of("direct", "buffered")) {
      Map<String, String> given = Map.of("expert_memory", oneExpert, "io", io);
      assertArrayEquals(expected, run(repacked.model(), spec, inputs, given), io);
    }
  }

  @Test
  void whatTheNextGateSaysIsReadAheadAndChangesNoBit() throws IOException, OrtException {
    for (ElementType type : List.of(ElementType.FLOAT, ElementType.FLOAT16)) {
      QMoeModelSpec spec = DEEP.withType(type);
      Path model = QMoeModels.write(folder.resolve(type + ".onnx"), spec);
      List<float[]> expected = steps(model, spec, Map.of("prefetch", "off"));
      ResidencyStats before = Host.provider().statistics();
      List<float[]> actual = steps(model, spec, Map.of("prefetch", "gate"));
      for (int step = 0; step < expected.size(); step++) {
        assertArrayEquals(expected.get(step), actual.get(step), type + ", step " + step);
      }
      ResidencyStats stats = Host.provider().statistics().since(before);
      assertTrue(stats.prefetchesUsed() + stats.prefetchesLate() > 10, stats.toString());
    }
  }

  @Test
  void boundedLossRoutingSparesReads() throws IOException, OrtException {
    for (boolean routerWeights : new boolean[] {false, true}) {
      QMoeModelSpec spec =
          SMALL
              .with(SMALL.moe().withExperts(32).withTopK(4).withNormalize(true))
              .withRouterWeights(routerWeights);
      Path model = QMoeModels.write(folder.resolve(routerWeights + ".onnx"), spec);
      List<float[]> lossless = steps(model, spec, Map.of("prefetch", "off"));
      long losslessLoads = loads;
      Map<String, String> prior =
          Map.of("prefetch", "off", "routing", "cache-prior", "routing.lambda", "0");
      List<float[]> unbiased = steps(model, spec, prior);
      for (int step = 0; step < lossless.size(); step++) {
        assertArrayEquals(lossless.get(step), unbiased.get(step), "step " + step);
      }
      RoutingStats before = Host.provider().routingStatistics();
      Map<String, String> biased = new HashMap<>(prior);
      biased.put("routing.lambda", "0.5");
      steps(model, spec, biased);
      RoutingStats routing = Host.provider().routingStatistics().since(before);
      assertTrue(routing.massKept() > 0.3 && routing.massKept() < 1, routing.toString());
      assertTrue(loads < losslessLoads, loads + " and " + losslessLoads);
    }
  }

  private long loads;

  /** Single tokens, and some calls of more, in a quarter of the memory. */
  private List<float[]> steps(Path model, QMoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    Map<String, String> options = new HashMap<>(given);
    options.put("expert_memory", "25%");
    List<float[]> outputs = new ArrayList<>();
    ResidencyStats before = Host.provider().statistics();
    try (var session = QMoeHost.open(model, spec, options)) {
      for (int step = 0; step < 60; step++) {
        int tokens = step % 10 == 9 ? 6 : 1;
        outputs.add(QMoeInputs.random(spec, tokens, new Random(step)).run(session));
      }
    }
    loads = Host.provider().statistics().since(before).loads();
    return outputs;
  }

  @Test
  void slotsStayWithinTheBudgetAndNothingIsLeftBehind() throws IOException, OrtException {
    long native0 = NativeMemory.bytesInUse();
    long mapped0 = SharedExperts.bytesMapped();
    QMoeModelSpec spec = DEEP.withFormat(4, 16, true).withType(ElementType.FLOAT16);
    Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
    long budget = 5 * spec.bytesPerExpert() + 7;
    try (QMoeSession session =
        QMoeHost.open(model, spec, Map.of("expert_memory", Long.toString(budget)))) {
      for (int tokens = 1; tokens < 12; tokens++) {
        QMoeInputs.random(spec, tokens, new Random(tokens)).run(session);
        assertTrue(SharedExperts.bytesMapped() - mapped0 <= budget);
      }
      assertEquals(5 * spec.bytesPerExpert(), Host.provider().statistics().peakSlotBytes());
    }
    assertEquals(native0, NativeMemory.bytesInUse());
    assertEquals(mapped0, SharedExperts.bytesMapped());
  }

  private static float[] run(
      Path model, QMoeModelSpec spec, QMoeInputs inputs, Map<String, String> given)
      throws OrtException {
    try (var session = QMoeHost.open(model, spec, given)) {
      return inputs.run(session);
    }
  }
}
