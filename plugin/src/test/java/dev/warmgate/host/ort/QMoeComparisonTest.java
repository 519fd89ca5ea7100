package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.QMoeInputs;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import dev.warmgate.onnx.QMoeSession;
import java.io.IOException;
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

/** Quantised and fp16 experts in real sessions, beside ONNX Runtime alone. */
class QMoeComparisonTest {
  /** Of an output's scale. */
  static final double EXACT = 1e-4;

  /** Results are rounded to fp16 once a layer, by both; a last digit may differ. */
  static final double HALF = 2e-3;

  /** What rounding activations to int8 may cost. */
  static final double FAST = 3e-2;

  private static final QMoeModelSpec SMALL = QMoeHost.small();
  private static final MoeModelSpec MOE = SMALL.moe();

  @TempDir Path folder;

  /** Seeded: each with another format, size, k, number of experts, activation, bias. */
  static List<QMoeModelSpec> some() {
    return specs(new Random(1), 9);
  }

  static List<QMoeModelSpec> many() {
    return specs(new Random(2), 60);
  }

  private static List<QMoeModelSpec> specs(Random random, int count) {
    List<QMoeModelSpec> specs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Activation activation = List.of(Activation.values()).get(random.nextInt(5));
      int experts = List.of(2, 4, 8, 20, 128).get(random.nextInt(5));
      MoeModelSpec moe =
          MOE.withActivation(activation)
              .withSwiglu(1.702f, 1, random.nextBoolean() ? 0.5f : Float.POSITIVE_INFINITY)
              .withExperts(experts)
              .withTopK(1 + random.nextInt(Math.min(experts, 16)))
              .withBias(random.nextBoolean())
              .withNormalize(random.nextBoolean())
              .withLayout(1, random.nextInt(3))
              .withSeed(i);
      ElementType type = random.nextInt(3) == 0 ? ElementType.FLOAT16 : ElementType.FLOAT;
      if (i % 7 == 6) {
        specs.add(
            QMoeModelSpec.half()
                .with(moe.withSizes(3 + random.nextInt(60), 1 + random.nextInt(60))));
      } else {
        int bits = 8 >> random.nextInt(3);
        int block = List.of(0, 16, 32, 64, 128).get(random.nextInt(5));
        // More than a block: what is less is another test's.
        int fill = 8 / bits;
        int hidden = fill * (block / fill + 1 + random.nextInt(24));
        int inner = fill * (block / fill + 1 + random.nextInt(24));
        specs.add(
            SMALL
                .with(moe.withSizes(hidden, inner))
                .withFormat(bits, block, random.nextBoolean())
                .withType(type)
                .withRouterWeights(random.nextInt(4) == 0));
      }
    }
    return specs;
  }

  @ParameterizedTest
  @MethodSource("some")
  void equalsStockAtEveryBudget(QMoeModelSpec spec) throws IOException, OrtException {
    compare(spec);
  }

  @Tag("slow")
  @ParameterizedTest
  @MethodSource("many")
  void equalsStockAtEveryBudgetManyTimes(QMoeModelSpec spec) throws IOException, OrtException {
    compare(spec);
  }

  private void compare(QMoeModelSpec spec) throws IOException, OrtException {
    Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
    QMoeInputs one = QMoeInputs.random(spec, 1, new Random(11));
    QMoeInputs many = QMoeInputs.random(spec, 64, new Random(12));
    float[] stockOne;
    float[] stockMany;
    try (var stock = new QMoeSession(model, spec, Map.of())) {
      stockOne = one.oracle(spec, stock);
      stockMany = many.oracle(spec, stock);
    }
    for (String precision : List.of("exact", "fast")) {
      double tolerance = tolerance(spec, precision);
      float[] firstMany = null;
      long expert = spec.bytesPerExpert();
      long some = Math.max(expert, expert * spec.moe().layers() * spec.moe().experts() * 2 / 5);
      // What becomes of activations doesn't depend on the budget: one will do.
      List<String> budgets =
          precision.equals("fast")
              ? List.of(Long.toString(some))
              : List.of("100%", Long.toString(some), Long.toString(expert));
      for (String budget : budgets) {
        String what = "%s, %s with %s".formatted(spec, precision, budget);
        Map<String, String> given = Map.of("expert_memory", budget, "precision", precision);
        ResidencyStats before = Host.provider().statistics();
        try (var warmgate = QMoeHost.open(model, spec, given)) {
          ResidencyStats atFirst = Host.provider().statistics().since(before);
          assertEquals(0, atFirst.loads() + atFirst.bytesRead(), what + " read when it was made");
          assertTrue(Host.error(stockOne, one.run(warmgate)) <= tolerance, what);
          float[] result = many.run(warmgate);
          double error = Host.error(stockMany, result);
          assertTrue(error <= tolerance, what + ": error " + error);
          firstMany = firstMany == null ? result : firstMany;
          assertArrayEquals(firstMany, result, what + ": the bits differ from those with all");
        }
        assertTrue(Host.provider().statistics().since(before).loads() > 0, what + ": not served");
      }
    }
  }

  private static double tolerance(QMoeModelSpec spec, String precision) {
    if (spec.quantised() && precision.equals("fast")) {
      return FAST;
    }
    return spec.type() == ElementType.FLOAT16 ? HALF : EXACT;
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"FLOAT", "FLOAT16"})
  void layersInARow(ElementType type) throws IOException, OrtException {
    compare(SMALL.with(MOE.withLayers(3).withRank(3)).withType(type));
  }

  @Test
  void noTokensGiveNothing() throws IOException, OrtException {
    for (QMoeModelSpec spec : List.of(SMALL, SMALL.withType(ElementType.FLOAT16))) {
      Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
      try (var warmgate = QMoeHost.open(model, spec, Map.of())) {
        assertEquals(0, QMoeInputs.random(spec, 0, new Random(1)).run(warmgate).length);
      }
    }
  }
}
