package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The gate behind an MoE node of 4 experts and hidden size 6, in the forms that exporters write.
 */
class GateFinderTest {
  private static final TensorProto MATRIX = Protos.zeros("gate", ElementType.FLOAT, 6, 4);
  private static final TensorProto ROWS = Protos.zeros("gate", ElementType.FLOAT, 4, 6);
  private static final TensorProto BIAS = Protos.zeros("bias", ElementType.FLOAT, 4);
  private static final TensorProto SHAPE = Protos.int64s("shape", -1, 4);

  @TempDir Path folder;

  @Test
  void matMul() throws IOException {
    Gate.Found gate = found(List.of(MATRIX), node("MatMul", "mm", "logits", "x", "gate"));
    assertGate(gate, "MatMul", false, false);
    assertEquals("gate", gate.text());
    assertEquals("mm", gate.node().name());
  }

  @Test
  void matMulAddReshapeCast() throws IOException {
    assertGate(
        found(
            List.of(MATRIX, BIAS, SHAPE),
            node("MatMul", "", "a", "x", "gate"),
            node("Add", "", "b", "bias", "a"),
            node("Reshape", "", "c", "b", "shape"),
            node("Cast", "", "logits", "c").addAttribute(attribute("to", 1))),
        "MatMul",
        false,
        true);
  }

  @Test
  void matrixTransposedInTheGraph() throws IOException {
    AttributeProto perm =
        AttributeProto.newBuilder()
            .setName("perm")
            .setType(AttributeProto.AttributeType.INTS)
            .addInts(1)
            .addInts(0)
            .build();
    assertGate(
        found(
            List.of(ROWS),
            node("Transpose", "", "t", "gate").addAttribute(perm),
            node("Cast", "", "u", "t"),
            node("MatMul", "", "logits", "x", "u")),
        "MatMul",
        true,
        false);
  }

  @Test
  void gemm() throws IOException {
    assertGate(
        found(
            List.of(ROWS, BIAS),
            node("Gemm", "", "logits", "x", "gate", "bias").addAttribute(attribute("transB", 1))),
        "Gemm",
        true,
        true);
    assertGate(
        found(List.of(MATRIX), node("Gemm", "", "logits", "x", "gate")), "Gemm", false, false);
  }

  @Test
  void matMulNBits() throws IOException {
    TensorProto packed = Protos.zeros("gate", ElementType.UINT8, 4, 1, 8);
    TensorProto scales = Protos.zeros("scales", ElementType.FLOAT, 4);
    NodeProto.Builder product =
        node("MatMulNBits", "", "a", "x", "gate", "scales")
            .setDomain(Protos.CONTRIB)
            .addAttribute(attribute("K", 6))
            .addAttribute(attribute("N", 4));
    assertGate(
        found(List.of(packed, scales, SHAPE), product, node("Reshape", "", "logits", "a", "shape")),
        "MatMulNBits",
        true,
        false);
  }

  @Test
  void constantNode() throws IOException {
    AttributeProto value =
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeProto.AttributeType.TENSOR)
            .setT(MATRIX.toBuilder().setName(""))
            .build();
    assertGate(
        found(
            List.of(),
            node("Constant", "", "gate").addAttribute(value),
            node("MatMul", "", "logits", "x", "gate")),
        "MatMul",
        false,
        false);
  }

  @Test
  void notFound() throws IOException {
    assertMissing("the graph input logits", List.of());
    assertMissing(
        "the constant c",
        List.of(Protos.zeros("c", ElementType.FLOAT, 1, 4)),
        node("Identity", "", "logits", "c"));
    assertMissing(
        "come out of ScatterElements put",
        List.of(),
        node("ScatterElements", "put", "logits", "x", "i", "u"));
    assertMissing(
        "the matrix of mm is not a constant", List.of(), node("MatMul", "mm", "logits", "x", "x"));
    assertMissing(
        "gate is [4,6], not made for 4 experts",
        List.of(ROWS),
        node("MatMul", "mm", "logits", "x", "gate"));
    assertMissing("two values are added at add", List.of(), node("Add", "add", "logits", "x", "x"));
    assertMissing(
        "two values are added at again",
        List.of(MATRIX, BIAS),
        node("MatMul", "", "a", "x", "gate"),
        node("Add", "again", "b", "a", "bias"),
        node("Add", "add", "logits", "b", "bias"));
    assertMissing(
        "Gemm g scales or transposes",
        List.of(MATRIX),
        node("Gemm", "g", "logits", "x", "gate").addAttribute(attribute("alpha", 2f)));
    // A damaged model may have a circle in it.
    assertMissing("no matrix within", List.of(), node("Identity", "", "logits", "logits"));
  }

  private static void assertGate(Gate.Found gate, String op, boolean transposed, boolean bias) {
    assertEquals(op, gate.op());
    assertEquals("x", gate.input());
    assertEquals("gate", gate.matrix().name());
    assertEquals(6, gate.width());
    assertEquals(transposed, gate.transposed());
    assertEquals(bias, gate.bias().isPresent());
  }

  private Gate.Found found(List<TensorProto> tensors, NodeProto.Builder... nodes)
      throws IOException {
    return assertInstanceOf(Gate.Found.class, gate(tensors, nodes));
  }

  private void assertMissing(String reason, List<TensorProto> tensors, NodeProto.Builder... nodes)
      throws IOException {
    Gate gate = gate(tensors, nodes);
    assertInstanceOf(Gate.Missing.class, gate);
    assertTrue(gate.text().contains(reason), gate.text());
  }

  private Gate gate(List<TensorProto> tensors, NodeProto.Builder... nodes) throws IOException {
    var graph = GraphProto.newBuilder().addInput(Protos.value("x", List.of("tokens", 6L)));
    graph.addAllInitializer(tensors);
    graph.addInitializer(Protos.zeros("fc1", ElementType.FLOAT, 4, 5, 6));
    graph.addInitializer(Protos.zeros("fc2", ElementType.FLOAT, 4, 6, 5));
    for (NodeProto.Builder node : nodes) {
      graph.addNode(node);
    }
    graph.addNode(
        node("MoE", "moe", "y", "x", "logits", "fc1", "", "fc2").setDomain(Protos.CONTRIB));
    Path file = Files.write(folder.resolve("m.onnx"), Protos.model(graph).toByteArray());
    return ModelInspection.of(OnnxModel.read(file)).layers().getFirst().gate();
  }
}
