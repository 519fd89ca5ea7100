package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.warmgate.onnx.proto.NodeProto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The scale of the normalisation before a gate, in the forms that exporters write. */
class NormFinderTest {
  private static final int EXPERTS = 4;
  private static final int HIDDEN = 6;

  @TempDir Path folder;

  /** The name of the scale of what makes {@code h}, which the gate multiplies; or none. */
  private Optional<String> norm(NodeProto.Builder... nodes) throws IOException {
    var graph = new GateGraph(EXPERTS, HIDDEN);
    for (NodeProto.Builder node : nodes) {
      graph.add(node);
    }
    graph
        .add(Protos.zeros("scale", ElementType.FLOAT, HIDDEN))
        .add(Protos.zeros("shift", ElementType.FLOAT, HIDDEN))
        .add(Protos.zeros("other", ElementType.FLOAT, HIDDEN + 1))
        .add(Protos.zeros("square", ElementType.FLOAT, HIDDEN, HIDDEN))
        .add(Protos.scalar("half", 0.5f))
        .add(Protos.int64s("shape", -1, HIDDEN))
        .add(Protos.zeros("gate", ElementType.FLOAT, HIDDEN, EXPERTS))
        .add(node("MatMul", "", "logits", "h", "gate"))
        .moeInput("h");
    Gate gate = graph.layer(folder.resolve("model.onnx")).gate();
    return assertInstanceOf(Gate.Found.class, gate).norm().map(Initializer::name);
  }

  private static NodeProto.Builder contrib(String op, String output, String... inputs) {
    return node(op, "", output, inputs).setDomain(Protos.CONTRIB);
  }

  @ParameterizedTest
  @CsvSource({
    "'', SimplifiedLayerNormalization",
    "com.microsoft, SimplifiedLayerNormalization",
    "'', RMSNormalization",
    "'', LayerNormalization",
    "ai.onnx, LayerNormalization"
  })
  void theScaleIsTheSecondInput(String domain, String op) throws IOException {
    assertEquals(
        Optional.of("scale"), norm(node(op, "", "h", "x", "scale", "shift").setDomain(domain)));
  }

  @ParameterizedTest
  @CsvSource({"SkipSimplifiedLayerNormalization", "SkipLayerNormalization"})
  void withASkipItIsTheThird(String op) throws IOException {
    assertEquals(Optional.of("scale"), norm(contrib(op, "h", "x", "x", "scale", "shift")));
    assertEquals(
        Optional.empty(),
        norm(contrib(op, "norm", "x", "x", "scale").addOutput("").addOutput("").addOutput("h")),
        "the sum is not normalised");
  }

  @Test
  void decomposedItIsTheConstantFactor() throws IOException {
    assertEquals(Optional.of("scale"), norm(node("Mul", "", "h", "x", "scale")));
    assertEquals(Optional.of("scale"), norm(node("Mul", "", "h", "scale", "x")));
    assertEquals(Optional.empty(), norm(node("Mul", "", "h", "x", "half")));
    assertEquals(Optional.empty(), norm(node("Mul", "", "h", "x", "x")));
    assertEquals(Optional.empty(), norm(node("Mul", "", "h", "x", "other")));
    assertEquals(Optional.empty(), norm(node("Mul", "", "h", "x", "square")));
  }

  @Test
  void whatKeepsValuesIsSeenThrough() throws IOException {
    assertEquals(
        Optional.of("scale"),
        norm(
            node("RMSNormalization", "", "a", "x", "scale"),
            node("Cast", "", "b", "a").addAttribute(attribute("to", 1)),
            node("Reshape", "", "c", "b", "shape"),
            node("Identity", "", "h", "c")));
  }

  @Test
  void whatIsNoNormalisationHasNoScale() throws IOException {
    assertEquals(Optional.empty(), norm(node("Relu", "", "h", "x")));
    assertEquals(Optional.empty(), norm(node("Identity", "", "h", "x")));
    assertEquals(
        Optional.empty(),
        norm(node("LayerNormalization", "", "h", "x", "other")),
        "a scale of another width");
    assertEquals(Optional.empty(), norm(node("LayerNormalization", "", "h", "x", "x")));
    assertEquals(
        Optional.empty(),
        norm(contrib("RMSNormalization", "h", "x", "scale")),
        "nobody knows what that is");
    // A sum of a normalised value and another.
    assertEquals(
        Optional.empty(),
        norm(node("RMSNormalization", "", "a", "x", "scale"), node("Add", "", "h", "a", "x")));
  }

  @Test
  void aLongWalkEnds() throws IOException {
    NodeProto.Builder[] nodes = new NodeProto.Builder[40];
    for (int i = 0; i < nodes.length; i++) {
      String output = i == nodes.length - 1 ? "h" : "v" + i;
      nodes[i] = node("Identity", "", output, i == 0 ? "x" : "v" + (i - 1));
    }
    assertEquals(Optional.empty(), norm(nodes));
  }
}
