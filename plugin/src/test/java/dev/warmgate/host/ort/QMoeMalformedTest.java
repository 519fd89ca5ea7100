package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.QMoeEdit;
import dev.warmgate.onnx.QMoeInputs;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import dev.warmgate.onnx.QMoeSession;
import dev.warmgate.onnx.Unsupported;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nodes that contradict themselves: one line that names node and input, and nobody computes. */
class QMoeMalformedTest {
  private static final String NODE = "/model/layers.0/moe/QMoE";
  private static final QMoeModelSpec SMALL = QMoeHost.small();

  @TempDir Path folder;

  /** Each seed is another format, another tensor of it, and another wrong shape. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void wrongShapes(int group) throws IOException {
    for (int seed = 12 * group; seed < 12 * group + 12; seed++) {
      Random random = new Random(seed);
      QMoeModelSpec spec =
          SMALL
              .with(
                  SMALL
                      .moe()
                      .withStorage(Storage.EMBEDDED)
                      .withExperts(3)
                      .withSizes(96, 72)
                      .withBias(true))
              .withFormat(8 >> random.nextInt(3), 16 * random.nextInt(3), random.nextBoolean())
              .withType(random.nextBoolean() ? ElementType.FLOAT : ElementType.FLOAT16);
      Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
      List<TensorProto> tensors = expertTensors(model);
      TensorProto tensor = tensors.get(random.nextInt(tensors.size()));
      long[] dims = wrong(tensor.getDimsList(), random);
      QMoeModels.write(model, spec, QMoeEdit.zeros(tensor.getName(), dims));
      String what = "seed %d: %s %s".formatted(seed, tensor.getName(), Arrays.toString(dims));
      assertRefused(model, spec, tensor.getName(), what);
      // ONNX Runtime ends the process over a second matrix of two dimensions.
      if (dims.length >= 3 || !tensor.getName().endsWith("weight")) {
        assertStockRefuses(model, spec, what);
      }
    }
  }

  private static List<TensorProto> expertTensors(Path model) throws IOException {
    return ModelProto.parseFrom(Files.readAllBytes(model)).getGraph().getInitializerList().stream()
        .filter(tensor -> tensor.getName().contains(".fc"))
        .toList();
  }

  /** Another shape: a dimension off by one, halved, doubled, split off, or left out. */
  private static long[] wrong(List<Long> right, Random random) {
    List<Long> dims = new ArrayList<>(right);
    int axis = random.nextInt(dims.size());
    long dim = dims.get(axis);
    switch (random.nextInt(6)) {
      case 0 -> dims.set(axis, dim + 1);
      case 1 -> dims.set(axis, dim > 1 ? dim - 1 : 2);
      case 2 -> dims.set(axis, 2 * dim);
      case 3 -> dims.add(axis, 3L);
      case 4 -> dims.add(1L);
      default -> dims.remove(axis);
    }
    // A scale per row may have a last dimension of 1.
    if (dims.size() == 3 && dims.getLast() == 1 && right.size() == 2) {
      dims.set(2, 2L);
    }
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  /** ONNX Runtime itself refuses these, and names the node. */
  @Test
  void missingParts() throws IOException {
    QMoeModelSpec spec = SMALL.with(SMALL.moe().withStorage(Storage.EMBEDDED));
    for (int input : new int[] {2, 3, 5, 6}) {
      Path model = QMoeModels.write(folder.resolve("model.onnx"), spec, QMoeEdit.input(input, ""));
      String what =
          List.of("fc1_weights", "fc1_scales", "", "fc2_weights", "fc2_scales").get(input - 2);
      assertEquals(
          List.of(new Unsupported(NODE, "no " + what)),
          ModelInspection.of(OnnxModel.read(model)).unsupported());
      OrtException e = assertThrows(OrtException.class, () -> QMoeHost.open(model, spec, Map.of()));
      assertTrue(e.getMessage().contains(NODE), e.getMessage());
    }
  }

  @Test
  void anAttributeThatIsNoWord() throws IOException {
    QMoeModelSpec spec = SMALL.with(SMALL.moe().withStorage(Storage.EMBEDDED));
    Path model =
        QMoeModels.write(
            folder.resolve("model.onnx"),
            spec,
            QMoeEdit.attribute("activation_type", "silu".repeat(1000)));
    OrtException e = assertThrows(OrtException.class, () -> QMoeHost.open(model, spec, Map.of()));
    assertTrue(e.getMessage().contains("Warmgate"), e.getMessage());
    assertTrue(e.getMessage().contains(NODE), e.getMessage());
  }

  private static void assertRefused(Path model, QMoeModelSpec spec, String input, String what)
      throws IOException {
    ModelInspection inspection = ModelInspection.of(OnnxModel.read(model));
    assertEquals(List.of(), inspection.layers(), what);
    Unsupported unsupported = inspection.unsupported().getFirst();
    assertEquals(NODE, unsupported.node(), what);
    assertTrue(unsupported.reason().contains(input), what + ": " + unsupported.reason());

    OrtException e =
        assertThrows(OrtException.class, () -> QMoeHost.open(model, spec, Map.of()), what);
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(
        e.getMessage().contains("Warmgate: the model can't be served: " + NODE)
            && e.getMessage().contains(input),
        what + ": " + e.getMessage());
  }

  private static void assertStockRefuses(Path model, QMoeModelSpec spec, String what) {
    QMoeInputs inputs = QMoeInputs.random(spec, 2, new Random(1));
    assertThrows(
        OrtException.class,
        () -> {
          try (var stock = new QMoeSession(model, spec, Map.of())) {
            inputs.run(stock);
          }
        },
        what + ": ONNX Runtime computes");
  }
}
