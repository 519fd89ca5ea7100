package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.QMoeEdit;
import dev.warmgate.onnx.QMoeInputs;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import dev.warmgate.onnx.QMoeSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The support matrix of the documentation is what ONNX Runtime and the provider really do. */
class QMoeSupportTest {
  private static final QMoeModelSpec SMALL =
      QMoeHost.small().with(QMoeHost.small().moe().withStorage(Storage.EMBEDDED));
  private static final QMoeModelSpec HALF = QMoeModelSpec.half().with(SMALL.moe());
  private static final MoeModelSpec MOE = SMALL.moe();

  @TempDir Path folder;

  /** A row of the table: models that all fare alike. */
  private record Row(String name, List<Model> models) {}

  /** A generated model, changed. */
  private record Model(QMoeModelSpec spec, QMoeEdit change) {}

  private static Row row(String name, QMoeModelSpec... specs) {
    return new Row(
        name, List.of(specs).stream().map(spec -> new Model(spec, QMoeEdit.NONE)).toList());
  }

  private static Row row(String name, QMoeModelSpec spec, QMoeEdit change) {
    return new Row(name, List.of(new Model(spec, change)));
  }

  private static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    rows.addAll(formats());
    rows.addAll(scales());
    rows.addAll(functions());
    rows.addAll(oddities());
    return rows;
  }

  private static List<Row> formats() {
    List<Row> rows = new ArrayList<>();
    for (int bits : new int[] {8, 4, 2}) {
      List<QMoeModelSpec> specs = new ArrayList<>();
      for (int block : new int[] {0, 16, 32, 64, 128, 256}) {
        for (boolean zeroPoints : new boolean[] {false, true}) {
          // The last block of a row is not full.
          int most = Math.max(block, 16);
          boolean half = specs.size() % 3 == 1;
          specs.add(
              SMALL
                  .with(MOE.withSizes(most + 8, most + 12).withSeed(specs.size()))
                  .withFormat(bits, block, zeroPoints)
                  .withType(half ? ElementType.FLOAT16 : ElementType.FLOAT));
        }
      }
      rows.add(
          row(
              "`QMoE`, %d bits: a scale per row, or blocks of 16 to 256; zero points or none"
                  .formatted(bits),
              specs.toArray(QMoeModelSpec[]::new)));
    }
    rows.add(
        row(
            "`QMoE`: hidden states, logits, scales, biases in fp16",
            SMALL.with(MOE.withBias(true)).withType(ElementType.FLOAT16)));
    rows.add(
        row(
            "`MoE` in fp16",
            HALF,
            HALF.with(MOE.withBias(true).withNormalize(true).withSizes(9, 5))));
    return rows;
  }

  private static List<Row> scales() {
    QMoeModelSpec one = SMALL.with(MOE.withSizes(32, 32)).withFormat(4, 32, false);
    QMoeModelSpec rowWise = SMALL.with(MOE.withSizes(32, 48)).withFormat(4, 0, true);
    QMoeModelSpec second = SMALL.with(MOE.withSizes(96, 64)).withFormat(4, 64, true);
    return List.of(
        row("scales in fp16 beside values in fp32", SMALL, QMoeEdit.recode("scales")),
        row(
            "scales in fp32 beside values in fp16",
            SMALL.withType(ElementType.FLOAT16),
            QMoeEdit.recode("scales")),
        row("zero points for one matrix", SMALL.withFormat(4, 16, true), QMoeEdit.input(11, "")),
        row(
            "a scale per row, with a last dimension of 1",
            rowWise,
            QMoeEdit.dims("fc1.scales", 8, 48, 1).andThen(QMoeEdit.dims("fc2.scales", 8, 32, 1))),
        row(
            "one block holds a row of both matrices",
            one,
            SMALL.with(MOE.withSizes(32, 20)).withFormat(8, 128, false)),
        row(
            "the same without the last dimension of 1",
            rowWise,
            QMoeEdit.attribute("block_size", 64)),
        row(
            "the same with zero points per block",
            one.withFormat(8, 32, true),
            one.withFormat(4, 32, true),
            one.withFormat(2, 32, true)),
        row(
            "one block holds a row of the first matrix, not of the second",
            SMALL.with(MOE.withSizes(32, 64)).withFormat(4, 32, false)),
        row(
            "one block holds a row of the second matrix, not of the first",
            second.withFormat(4, 64, false),
            second.withFormat(8, 64, true)),
        row("the same with zero points, 4 or 2 bits", second, second.withFormat(2, 64, true)));
  }

  private static List<Row> functions() {
    MoeModelSpec swiglu = MOE.withActivation(Activation.SWIGLU_INTERLEAVED);
    MoeModelSpec halves = MOE.withActivation(Activation.SWIGLU_HALVES).withBias(true);
    QMoeModelSpec given = SMALL.withRouterWeights(true);
    return List.of(
        row(
            "relu, gelu, silu, identity; biases or none",
            SMALL.with(MOE.withActivation(Activation.RELU)),
            SMALL.with(MOE.withActivation(Activation.GELU).withBias(true)),
            SMALL.with(MOE.withActivation(Activation.SILU)),
            SMALL.with(MOE.withActivation(Activation.IDENTITY).withBias(true))),
        row(
            "swiglu, `swiglu_fusion=1`; alpha, beta, limit",
            SMALL.with(swiglu.withSwiglu(1, 0, Float.POSITIVE_INFINITY)),
            SMALL.with(swiglu.withSwiglu(1.702f, 1, 0.25f).withBias(true)),
            HALF.with(swiglu.withSwiglu(1.702f, 1, 7))),
        row("swiglu, `swiglu_fusion=2`", SMALL.with(halves), HALF.with(halves)),
        row("swiglu, `swiglu_fusion=0`", SMALL.with(swiglu), QMoeEdit.without("swiglu_fusion")),
        row(
            "k from 1 to the number of experts",
            SMALL.with(MOE.withTopK(1)),
            SMALL.with(MOE.withTopK(8)),
            SMALL.with(MOE.withExperts(32).withTopK(20))),
        row("`normalize_routing_weights` (changes nothing)", SMALL.with(MOE.withNormalize(true))),
        row(
            "`router_weights`, normalised or not",
            given,
            given.with(MOE.withNormalize(true)),
            given.with(MOE.withNormalize(true)).withType(ElementType.FLOAT16)),
        row("`router_weights` that are the logits", SMALL, QMoeEdit.input(14, "router.0")),
        row("hidden states of rank 3", SMALL.with(MOE.withRank(3))));
  }

  private static List<Row> oddities() {
    return List.of(
        row("`use_sparse_mixer` with k = 2", SMALL, QMoeEdit.attribute("use_sparse_mixer", 1)),
        row(
            "`use_sparse_mixer` with another k",
            SMALL.with(MOE.withTopK(3)),
            QMoeEdit.attribute("use_sparse_mixer", 1)),
        row("`quant_type` other than `int`", SMALL, QMoeEdit.attribute("quant_type", "fp4")),
        row("`weights_prepacked=1`", SMALL, QMoeEdit.attribute("weights_prepacked", 1)),
        row("another activation", SMALL, QMoeEdit.attribute("activation_type", "tanh")),
        row(
            "a third matrix (fc3)",
            SMALL,
            QMoeEdit.input(8, "/model/layers.0/moe.fc1.weight")
                .andThen(QMoeEdit.input(9, "/model/layers.0/moe.fc1.scales"))),
        row("`expert_weight_bits=3`", SMALL, QMoeEdit.attribute("expert_weight_bits", 3)),
        row("`block_size=24`", SMALL, QMoeEdit.attribute("block_size", 24)));
  }

  @Test
  void theDocumentedMatrixIsWhatHappens() throws IOException, OrtException {
    StringBuilder table = new StringBuilder("| a node with | ONNX Runtime | Warmgate |\n");
    table.append("| --- | --- | --- |\n");
    for (Row row : rows()) {
      Set<String> stock = new TreeSet<>();
      Set<String> warmgate = new TreeSet<>();
      for (Model model : row.models) {
        fare(row.name, model, stock, warmgate);
      }
      table.append(
          "| %s | %s | %s |\n"
              .formatted(row.name, String.join(", ", stock), String.join(", ", warmgate)));
    }
    String guide = Files.readString(Path.of("..", "docs", "quantised.md"));
    String begin = "<!-- support: a test compares this table with what happens -->\n";
    int start = guide.indexOf(begin) + begin.length();
    assertEquals(
        table.toString(), guide.substring(start, guide.indexOf("<!-- end of support -->")));
  }

  private void fare(String name, Model model, Set<String> stock, Set<String> warmgate)
      throws IOException, OrtException {
    QMoeModelSpec spec = model.spec;
    Path file = QMoeModels.write(folder.resolve("model.onnx"), spec, model.change);
    QMoeInputs inputs = QMoeInputs.random(spec, 3, new Random(spec.moe().seed()));
    float[] expected;
    try (var session = new QMoeSession(file, spec, Map.of())) {
      expected = inputs.oracle(spec, session);
      stock.add("computes");
    } catch (OrtException e) {
      stock.add("refuses");
      expected = inputs.byTheRules(spec);
    }
    ResidencyStats before = Host.provider().statistics();
    try (var session = QMoeHost.open(file, spec, Map.of("precision", "exact"))) {
      float[] actual = inputs.run(session);
      if (Host.provider().statistics().since(before).loads() == 0) {
        warmgate.add("leaves it");
        return;
      }
      warmgate.add("serves");
      double error = Host.error(expected, actual);
      boolean half = spec.type() == ElementType.FLOAT16;
      assertTrue(
          error <= (half ? QMoeComparisonTest.HALF : QMoeComparisonTest.EXACT),
          "%s: %s: %s".formatted(name, spec, error));
    } catch (OrtException e) {
      warmgate.add(e.getMessage().contains("Warmgate: ") ? "an error" : "leaves it");
    }
  }
}
