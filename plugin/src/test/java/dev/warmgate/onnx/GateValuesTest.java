package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The numbers of gates as exporters store them. */
class GateValuesTest {
  private static final int EXPERTS = 5;
  private static final int HIDDEN = 7;

  @TempDir Path folder;
  private final float[] weights = random(1, EXPERTS * HIDDEN);
  private final float[] bias = random(2, EXPERTS);

  private static float[] random(int seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** From {@code [experts, hidden]} to {@code [hidden, experts]}. */
  private float[] columns() {
    float[] columns = new float[weights.length];
    for (int e = 0; e < EXPERTS; e++) {
      for (int i = 0; i < HIDDEN; i++) {
        columns[i * EXPERTS + e] = weights[e * HIDDEN + i];
      }
    }
    return columns;
  }

  private static float[] filled(int count, float value) {
    float[] values = new float[count];
    Arrays.fill(values, value);
    return values;
  }

  private GateGraph graph() {
    return new GateGraph(EXPERTS, HIDDEN);
  }

  private Optional<GateValues> read(GateGraph graph) throws IOException {
    return GateValues.read(graph.layer(folder.resolve("model.onnx")));
  }

  private void assertGate(float[] expectedBias, GateGraph graph, float tolerance)
      throws IOException {
    GateValues gate = read(graph).orElseThrow();
    assertEquals(EXPERTS, gate.experts());
    assertEquals(HIDDEN, gate.hidden());
    assertArrayEquals(weights, gate.weights(), tolerance);
    assertArrayEquals(expectedBias, gate.bias(), tolerance);
    assertArrayEquals(filled(HIDDEN, 1), gate.norm());
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 0", "FLOAT16, 2e-3", "BFLOAT16, 2e-2"})
  void aMatrixOfEachTypeIsRead(ElementType type, float tolerance) throws IOException {
    assertGate(
        new float[EXPERTS],
        graph()
            .add(GateGraph.encoded("w", type, columns(), HIDDEN, EXPERTS))
            .add(node("Cast", "", "w32", "w").addAttribute(attribute("to", 1)))
            .add(node("MatMul", "", "logits", "x", "w32")),
        tolerance);
  }

  @Test
  void aTransposedMatrixIsReadByRows() throws IOException {
    GateGraph graph =
        graph()
            .add(GateGraph.floats("w", weights, EXPERTS, HIDDEN))
            .add(GateGraph.floats("b", bias, EXPERTS))
            .add(node("Gemm", "", "logits", "x", "w", "b").addAttribute(attribute("transB", 1)));
    assertGate(bias, graph, 0);
    assertGate(
        bias,
        graph()
            .add(GateGraph.floats("w", columns(), HIDDEN, EXPERTS))
            .add(GateGraph.floats("b", bias, 1, EXPERTS))
            .add(node("Gemm", "", "logits", "x", "w", "b")),
        0);
    assertGate(
        bias,
        graph()
            .add(GateGraph.floats("w", weights, EXPERTS, HIDDEN))
            .add(GateGraph.encoded("b", ElementType.FLOAT, bias, EXPERTS))
            .add(node("Transpose", "", "t", "w"))
            .add(node("MatMul", "", "m", "x", "t"))
            .add(node("Add", "", "logits", "b", "m")),
        0);
  }

  @Test
  void theNormComesWithIt() throws IOException {
    float[] norm = random(3, HIDDEN);
    GateGraph graph =
        graph()
            .add(GateGraph.encoded("n", ElementType.FLOAT16, norm, HIDDEN))
            .add(GateGraph.floats("w", columns(), HIDDEN, EXPERTS))
            .add(node("SimplifiedLayerNormalization", "", "h", "x", "n"))
            .add(node("MatMul", "", "logits", "h", "w"))
            .moeInput("h");
    assertArrayEquals(norm, read(graph).orElseThrow().norm(), 2e-3f);
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 0", "FLOAT16, 2e-3", "BFLOAT16, 2e-2"})
  void anExternalMatrixIsReadFromItsPlace(ElementType type, float tolerance) throws IOException {
    TensorProto inside = GateGraph.encoded("w", type, columns(), HIDDEN, EXPERTS);
    byte[] file = new byte[1000];
    new Random(5).nextBytes(file);
    inside.getRawData().copyTo(file, 123);
    Path data = Files.write(folder.resolve("w.bin"), file);
    var outside = inside.toBuilder().clearRawData();
    outside.setDataLocation(TensorProto.DataLocation.EXTERNAL);
    outside.addExternalData(entry("location", "w.bin"));
    outside.addExternalData(entry("offset", "123"));
    outside.addExternalData(entry("length", Integer.toString(inside.getRawData().size())));
    GateGraph graph = graph().add(outside.build()).add(node("MatMul", "", "logits", "x", "w"));
    assertGate(new float[EXPERTS], graph, tolerance);
    MoeLayer layer = graph.layer(folder.resolve("model.onnx"));
    Files.write(data, Arrays.copyOf(file, 130));
    IOException e = assertThrows(IOException.class, () -> GateValues.read(layer));
    assertTrue(e.getMessage().contains("w.bin"), e.getMessage());
    Files.delete(data);
    assertThrows(IOException.class, () -> GateValues.read(layer));
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  @Test
  void whatIsStoredInAWayThatIsNotKnownIsLeftOut() throws IOException {
    GateGraph twice =
        graph()
            .add(GateGraph.encoded("w", ElementType.DOUBLE, columns(), HIDDEN, EXPERTS))
            .add(node("MatMul", "", "logits", "x", "w"));
    assertEquals(Optional.empty(), read(twice));
    GateGraph integers =
        graph()
            .add(Protos.zeros("w", ElementType.INT8, HIDDEN, EXPERTS))
            .add(node("MatMul", "", "logits", "x", "w"));
    assertEquals(Optional.empty(), read(integers));
    GateGraph strange =
        graph()
            .add(GateGraph.floats("w", columns(), HIDDEN, EXPERTS))
            .add(Protos.zeros("b", ElementType.INT32, EXPERTS))
            .add(node("MatMul", "", "m", "x", "w"))
            .add(node("Add", "", "logits", "m", "b"));
    assertEquals(Optional.empty(), read(strange));
    // Numbers in the message's own fields, not as bytes: they have no place in a file.
    var typed =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(ElementType.FLOAT.code())
            .addDims(HIDDEN)
            .addDims(EXPERTS);
    for (float value : columns()) {
      typed.addFloatData(value);
    }
    Optional<GateValues> gate =
        read(graph().add(typed.build()).add(node("MatMul", "", "logits", "x", "w")));
    gate.ifPresent(found -> assertArrayEquals(weights, found.weights()));
    GateGraph none = graph().add(node("Relu", "", "logits", "x"));
    assertEquals(Optional.empty(), read(none));
  }

  @Test
  void aGateOfAnotherWidthThanItsLayerIsLeftOut() throws IOException {
    GateGraph graph =
        graph()
            .add(Protos.zeros("w", ElementType.FLOAT, HIDDEN + 1, EXPERTS))
            .add(node("MatMul", "", "logits", "wider", "w"));
    assertEquals(Optional.empty(), read(graph));
  }

  // Block-quantised gates.

  /** A quantised matrix: integers, and what they stand for. */
  private static final class Packed {
    final int bits;
    final int block;
    final int hidden;
    final int blocks;
    final byte[] integers;
    final byte[] zeros;
    final float[] scales;
    final float[] values;

    Packed(int bits, int block, int hidden, boolean withZeros, Random random) {
      this.bits = bits;
      this.block = block;
      this.hidden = hidden;
      blocks = (hidden + block - 1) / block;
      integers = new byte[EXPERTS * blocks * block * bits / 8];
      int zeroRow = (blocks * bits + 7) / 8;
      zeros = new byte[withZeros ? EXPERTS * zeroRow : 0];
      scales = new float[EXPERTS * blocks];
      values = new float[EXPERTS * hidden];
      for (int e = 0; e < EXPERTS; e++) {
        for (int b = 0; b < blocks; b++) {
          float scale = random.nextFloat() - 0.4f;
          int zero = withZeros ? random.nextInt(1 << bits) : 1 << (bits - 1);
          scales[e * blocks + b] = scale;
          if (withZeros) {
            put(zeros, e * zeroRow * 8 + b * bits, zero);
          }
          for (int i = 0; i < block; i++) {
            int integer = random.nextInt(1 << bits);
            put(integers, ((e * blocks + b) * block + i) * bits, integer);
            if (b * block + i < hidden) {
              values[e * hidden + b * block + i] = scale * (integer - zero);
            }
          }
        }
      }
    }

    private void put(byte[] target, int bit, int integer) {
      target[bit / 8] |= (byte) (integer << bit % 8);
    }

    NodeProto.Builder product(String... inputs) {
      return node("MatMulNBits", "", "logits", inputs)
          .setDomain(Protos.CONTRIB)
          .addAttribute(attribute("K", hidden))
          .addAttribute(attribute("N", EXPERTS))
          .addAttribute(attribute("bits", bits))
          .addAttribute(attribute("block_size", block));
    }

    TensorProto matrix() {
      return GateGraph.raw(
          "w", ElementType.UINT8, integers, EXPERTS, blocks, (long) block * bits / 8);
    }

    GateGraph graph() {
      GateGraph graph =
          new GateGraph(EXPERTS, hidden)
              .add(matrix())
              .add(GateGraph.floats("s", scales, scales.length));
      return zeros.length == 0
          ? graph.add(product("x", "w", "s"))
          : graph
              .add(GateGraph.raw("z", ElementType.UINT8, zeros, zeros.length))
              .add(product("x", "w", "s", "z"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "4, 16, 16, false", "4, 16, 16, true", "4, 16, 37, false", "4, 16, 37, true", "4, 32, 96, true",
    "4, 32, 100, true", "4, 128, 70, true", "8, 16, 37, false", "8, 16, 37, true",
        "8, 64, 130, true"
  })
  void blocksAreDequantised(int bits, int block, int hidden, boolean zeros) throws IOException {
    var packed = new Packed(bits, block, hidden, zeros, new Random(hidden + bits));
    GateValues gate = read(packed.graph()).orElseThrow();
    assertEquals(hidden, gate.hidden());
    assertArrayEquals(packed.values, gate.weights());
    assertArrayEquals(new float[EXPERTS], gate.bias());
  }

  @Test
  void scalesMayBeHalvesAndBiasesTheirOwn() throws IOException {
    var packed = new Packed(4, 16, 40, false, new Random(1));
    GateGraph graph =
        new GateGraph(EXPERTS, 40)
            .add(packed.matrix())
            .add(GateGraph.encoded("s", ElementType.FLOAT16, packed.scales, packed.scales.length))
            .add(GateGraph.floats("b", bias, EXPERTS))
            .add(packed.product("x", "w", "s", "", "", "b"));
    GateValues gate = read(graph).orElseThrow();
    assertArrayEquals(packed.values, gate.weights(), 0.02f);
    assertArrayEquals(bias, gate.bias());
  }

  @Test
  void blocksInAWayThatIsNotKnownAreLeftOut() throws IOException {
    var packed = new Packed(4, 16, 40, true, new Random(1));
    TensorProto scales = GateGraph.floats("s", packed.scales, packed.scales.length);
    TensorProto zeros = GateGraph.raw("z", ElementType.UINT8, packed.zeros, packed.zeros.length);
    // An order of columns; zero points as floats, or too few; scales too few, or computed.
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(scales)
                .add(zeros)
                .add(Protos.zeros("order", ElementType.INT32, 48))
                .add(packed.product("x", "w", "s", "z", "order"))));
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(scales)
                .add(GateGraph.floats("z", packed.scales, packed.scales.length))
                .add(packed.product("x", "w", "s", "z"))));
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(scales)
                .add(GateGraph.raw("z", ElementType.UINT8, new byte[3], 3))
                .add(packed.product("x", "w", "s", "z"))));
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(scales)
                .add(node("Identity", "", "z2", "x"))
                .add(packed.product("x", "w", "s", "z2"))));
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(GateGraph.floats("s", new float[4], 4))
                .add(zeros)
                .add(packed.product("x", "w", "s", "z"))));
    assertEquals(
        Optional.empty(),
        read(
            new GateGraph(EXPERTS, 40)
                .add(packed.matrix())
                .add(node("Identity", "", "s", "x"))
                .add(zeros)
                .add(packed.product("x", "w", "s", "z"))));
  }

  @ParameterizedTest
  @CsvSource({
    "2, 16",
    "3, 16",
    "16, 16",
    "0, 16",
    "-4, 16",
    "4, 0",
    "4, 8",
    "4, -16",
    "4, 17",
    "4, 2147483647",
    "8, 2147483632",
    "4, 64",
    "8, 16"
  })
  void attributesThatDoNotFitTheirTensorsAreLeftOut(int bits, int block) throws IOException {
    var packed = new Packed(4, 16, 40, true, new Random(1));
    GateGraph graph =
        new GateGraph(EXPERTS, 40)
            .add(packed.matrix())
            .add(GateGraph.floats("s", packed.scales, packed.scales.length))
            .add(GateGraph.raw("z", ElementType.UINT8, packed.zeros, packed.zeros.length))
            .add(
                node("MatMulNBits", "", "logits", "x", "w", "s", "z")
                    .setDomain(Protos.CONTRIB)
                    .addAttribute(attribute("K", 40))
                    .addAttribute(attribute("N", EXPERTS))
                    .addAttribute(attribute("bits", bits))
                    .addAttribute(attribute("block_size", block)));
    assertEquals(Optional.empty(), read(graph));
  }

  @Test
  void valuesAreLittleEndianOnEveryMachine() throws IOException {
    byte[] bytes = {0, 0, (byte) 0x80, 0x3f};
    ByteBuffer check = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(1f, check.getFloat(0));
    TensorProto one =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(ElementType.FLOAT.code())
            .addDims(1)
            .addDims(1)
            .setRawData(ByteString.copyFrom(bytes))
            .build();
    GateGraph graph = new GateGraph(1, 1).add(one).add(node("MatMul", "", "logits", "x", "w"));
    assertArrayEquals(new float[] {1}, read(graph).orElseThrow().weights());
  }
}
