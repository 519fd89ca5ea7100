package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.TensorLocation.Embedded;
import dev.warmgate.onnx.TensorLocation.Encoded;
import dev.warmgate.onnx.TensorLocation.External;
import dev.warmgate.onnx.TensorLocation.Stored;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.FunctionProto;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the reader sees is what the generated protobuf classes see. */
class ModelReaderTest {
  @TempDir Path folder;

  static Stream<MoeModelSpec> models() {
    MoeModelSpec spec = MoeModelSpec.small().withLayers(3).withBias(true);
    return Stream.of(
        spec,
        spec.withStorage(Storage.EMBEDDED),
        spec.withRank(3).withRouter(Router.MATMUL_BIAS),
        spec.withRouter(Router.INPUT).withActivation(Activation.SWIGLU_HALVES),
        spec.withLayout(1, 3).withSizes(7, 5).withStorage(Storage.EMBEDDED),
        spec.withLayout(1, 3).withSizes(7, 5),
        spec.withStorage(Storage.EXTERNAL_ZEROS));
  }

  @ParameterizedTest
  @MethodSource("models")
  void readsGeneratedModels(MoeModelSpec spec) throws IOException {
    Path file = MoeModels.write(folder.resolve("model.onnx"), spec);
    OnnxModel model = OnnxModel.read(file);
    ModelProto proto;
    try (var in = Files.newInputStream(file)) {
      proto = ModelProto.parseFrom(in);
    }
    assertEquals(file.toAbsolutePath(), model.path());
    assertEquals(Files.size(file), model.fileBytes());
    assertEquals(8, model.irVersion());
    assertSame(proto.getGraph(), model.graph());
    assertEquals(
        spec.bytesPerExpert() * spec.experts() * spec.layers(),
        ModelInspection.of(model).expertBytesTotal());
  }

  @Test
  void readsFormsThatFewModelsUse() throws IOException {
    var body = GraphProto.newBuilder().setName("body");
    body.addInitializer(Protos.zeros("inner", ElementType.FLOAT16, 3, 5));
    body.addNode(node("Identity", "copy", "y", "inner"));
    body.addOutput(Protos.value("y", List.of(3L, "n")));
    var packed = TensorProto.newBuilder().setName("packed").setDataType(1).addDims(3);
    packed.addFloatData(1).addFloatData(2).addFloatData(3);
    var codes = TensorProto.newBuilder().setName("codes").setDataType(2).addDims(2);
    codes.addInt32Data(1).addInt32Data(200);
    var empty =
        TensorProto.newBuilder().setName("empty").setDataType(1).addDims(0).addDims(1L << 62);
    var constant = Protos.zeros("", ElementType.INT4, 3).toBuilder().setName("unused");
    var graph = GraphProto.newBuilder().setName("main");
    graph.addInitializer(packed).addInitializer(codes).addInitializer(empty);
    graph.addNode(
        node("Constant", "c", "c.out")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("value")
                    .setType(AttributeProto.AttributeType.TENSOR)
                    .setT(constant)));
    graph.addNode(
        node("If", "branch", "z", "condition")
            .addAttribute(attribute("then_branch", body.build()))
            .addAttribute(attribute("else_branch", body.build())));
    graph.addNode(
        node("Transpose", "t", "u", "z")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("perm")
                    .setType(AttributeProto.AttributeType.INTS)
                    .addInts(1)
                    .addInts(-1)));
    ModelProto proto =
        Protos.model(graph).toBuilder()
            .addFunctions(
                FunctionProto.newBuilder()
                    .setDomain("own")
                    .setName("f")
                    .addInput("a")
                    .addOutput("b")
                    .addNode(node("Relu", "r", "b", "a")))
            .setDocString("x".repeat(2 << 20))
            .build();
    Path file = Files.write(folder.resolve("odd.onnx"), proto.toByteArray());
    OnnxModel model = OnnxModel.read(file);
    assertEquals("own::f", model.functions().getFirst().name());
    assertTrue(model.functions().getFirst().nodes().getFirst().is("Relu"));
    OnnxGraph read = model.graph();
    assertSame(proto.getGraph().getNode(1).getAttribute(0).getG(), body(read.nodes().get(1)));
    assertEquals(
        new OnnxAttribute.Ints(List.of(1L, -1L)), read.nodes().get(2).attributes().get("perm"));
    assertEquals(ElementType.INT4, read.initializers().get("c.out").type());
    assertEquals(2, read.initializers().get("c.out").bytes());
    assertEquals(new Encoded("int32_data"), read.initializers().get("codes").location());
    assertEquals(0, read.initializers().get("empty").bytes());
    var floats = assertInstanceOf(Embedded.class, read.initializers().get("packed").location());
    assertArrayEquals(
        new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40},
        bytes(floats.file(), floats.offset(), (int) floats.length()));
  }

  @Test
  void externalDataOfAnySizeCostsNoMemory() throws IOException {
    MoeModelSpec spec =
        MoeModelSpec.small()
            .withExperts(64)
            .withSizes(2048, 2816)
            .withLayers(4)
            .withStorage(Storage.EXTERNAL_ZEROS);
    Path file = MoeModels.write(folder.resolve("big.onnx"), spec);
    assertTrue(Files.size(MoeModels.dataFile(file)) > 11_000_000_000L);
    assertTrue(Files.size(file) < 10_000);
    MoeLayer last = ModelInspection.of(OnnxModel.read(file)).layers().getLast();
    assertEquals(spec.bytesPerExpert(), last.bytesPerExpert());
    var fc2 =
        (External) last.tensor(ExpertTensor.Role.FC2_WEIGHTS).orElseThrow().tensor().location();
    assertEquals(Files.size(MoeModels.dataFile(file)), fc2.offset() + fc2.length());
  }

  @Test
  void embeddedDataReachesUpToTwoGibibytes() throws IOException {
    int rawBytes = Integer.MAX_VALUE - 4095;
    var head = new ByteArrayOutputStream();
    var out = CodedOutputStream.newInstance(head);
    TensorProto tensor =
        TensorProto.newBuilder().setName("w").setDataType(1).addDims(rawBytes / 4).build();
    NodeProto node = node("Relu", "last", "y", "x").build();
    int tensorBytes =
        tensor.getSerializedSize()
            + 1
            + CodedOutputStream.computeUInt32SizeNoTag(rawBytes)
            + rawBytes;
    int graphBytes =
        1
            + CodedOutputStream.computeUInt32SizeNoTag(tensorBytes)
            + tensorBytes
            + CodedOutputStream.computeMessageSize(1, node);
    out.writeTag(7, Wire.BYTES);
    out.writeUInt32NoTag(graphBytes);
    out.writeTag(5, Wire.BYTES);
    out.writeUInt32NoTag(tensorBytes);
    tensor.writeTo(out);
    out.writeTag(9, Wire.BYTES);
    out.writeUInt32NoTag(rawBytes);
    out.flush();
    var tail = new ByteArrayOutputStream();
    out = CodedOutputStream.newInstance(tail);
    out.writeMessage(1, node);
    out.flush();
    Path file = Files.write(folder.resolve("full.onnx"), head.toByteArray());
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      // The weights are a hole in the file.
      channel.write(ByteBuffer.wrap(tail.toByteArray()), head.size() + (long) rawBytes);
    }
    OnnxGraph graph = OnnxModel.read(file).graph();
    assertEquals("last", graph.nodes().getFirst().name());
    assertEquals(
        new Embedded(file.toAbsolutePath(), head.size(), rawBytes),
        graph.initializers().get("w").location());
  }

  @Test
  void aMissingLengthIsThatOfTheTensor() throws IOException {
    Files.write(folder.resolve("w.bin"), new byte[40]);
    var tensor = TensorProto.newBuilder().setName("w").setDataType(1).addDims(8);
    tensor.setDataLocation(TensorProto.DataLocation.EXTERNAL);
    tensor.addExternalData(
        StringStringEntryProto.newBuilder().setKey("location").setValue("w.bin"));
    ModelProto proto = Protos.model(GraphProto.newBuilder().addInitializer(tensor));
    Path file = Files.write(folder.resolve("m.onnx"), proto.toByteArray());
    assertEquals(
        new External(folder.resolve("w.bin").toAbsolutePath(), 0, 32),
        OnnxModel.read(file).graph().initializers().get("w").location());
  }

  private static OnnxGraph body(OnnxNode node) {
    return ((OnnxAttribute.Graphs) node.attributes().get("then_branch")).values().getFirst();
  }

  private static void assertSame(GraphProto proto, OnnxGraph graph) throws IOException {
    assertEquals(proto.getName(), graph.name());
    assertEquals(
        proto.getInputList().stream().map(ModelReaderTest::value).toList(), graph.inputs());
    assertEquals(
        proto.getOutputList().stream().map(ModelReaderTest::value).toList(), graph.outputs());
    assertEquals(proto.getNodeCount(), graph.nodes().size());
    for (int i = 0; i < graph.nodes().size(); i++) {
      assertSame(proto.getNode(i), graph.nodes().get(i));
    }
    assertEquals(proto.getInitializerCount(), graph.initializers().size());
    for (TensorProto tensor : proto.getInitializerList()) {
      assertSame(tensor, graph.initializers().get(tensor.getName()));
    }
  }

  private static void assertSame(NodeProto proto, OnnxNode node) {
    assertEquals(proto.getName(), node.name());
    assertEquals(proto.getOpType(), node.opType());
    assertEquals(proto.getDomain(), node.domain());
    assertEquals(proto.getInputList(), node.inputs());
    assertEquals(proto.getOutputList(), node.outputs());
    Map<String, OnnxAttribute> expected =
        proto.getAttributeList().stream()
            .collect(Collectors.toMap(AttributeProto::getName, ModelReaderTest::attributeOf));
    assertEquals(expected, node.attributes());
  }

  private static OnnxAttribute attributeOf(AttributeProto proto) {
    return switch (proto.getType()) {
      case INT -> new OnnxAttribute.Int(proto.getI());
      case FLOAT -> new OnnxAttribute.Real(proto.getF());
      case STRING -> new OnnxAttribute.Text(proto.getS().toStringUtf8());
      case INTS -> new OnnxAttribute.Ints(proto.getIntsList());
      default -> new OnnxAttribute.Other();
    };
  }

  private static GraphValue value(ValueInfoProto proto) {
    var tensor = proto.getType().getTensorType();
    return new GraphValue(
        proto.getName(),
        ElementType.of(tensor.getElemType()),
        tensor.getShape().getDimList().stream()
            .<GraphValue.Dim>map(
                dim ->
                    dim.hasDimValue()
                        ? new GraphValue.Fixed(dim.getDimValue())
                        : new GraphValue.Symbolic(dim.getDimParam()))
            .toList());
  }

  private static void assertSame(TensorProto proto, Initializer tensor) throws IOException {
    assertEquals(proto.getName(), tensor.name());
    assertEquals(proto.getDimsList(), tensor.dims());
    assertEquals(proto.getDataType(), tensor.type().code());
    switch (tensor.location()) {
      case Embedded(Path file, long offset, long length) ->
          assertArrayEquals(
              proto.getRawData().toByteArray(), bytes(file, offset, (int) length), tensor.name());
      case External(Path file, long offset, long length) -> {
        Map<String, String> entries =
            proto.getExternalDataList().stream()
                .collect(
                    Collectors.toMap(
                        StringStringEntryProto::getKey, StringStringEntryProto::getValue));
        assertEquals(entries.get("location"), file.getFileName().toString());
        assertEquals(entries.get("offset"), Long.toString(offset));
        assertEquals(entries.get("length"), Long.toString(length));
      }
      case Encoded(String field) -> throw new AssertionError(tensor.name() + " in " + field);
      case Stored(Path file, _, _) -> throw new AssertionError(tensor.name() + " in " + file);
    }
  }

  private static byte[] bytes(Path file, long offset, int length) throws IOException {
    try (var in = new RandomAccessFile(file.toFile(), "r")) {
      byte[] bytes = new byte[length];
      in.seek(offset);
      in.readFully(bytes);
      return bytes;
    }
  }
}
