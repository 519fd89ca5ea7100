package dev.warmgate.benchmarks.quantised;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.AttributeProto.AttributeType;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.TensorProto.DataType;
import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TensorShapeProto.Dimension;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Writes a model that is one {@code QMoE} node with random weights, as external data. */
final class LayerWriter implements AutoCloseable {
  static final String HIDDEN = "hidden";
  static final String LOGITS = "logits";
  static final String OUTPUT = "output";

  private static final String CONTRIB = "com.microsoft";
  private static final int CHUNK = 1 << 20;

  /** Standard deviation of a nibble that is as likely to be any as another. */
  private static final double NIBBLE = Math.sqrt((256 - 1) / 12.0);

  private final LayerShape shape;
  private final Path dataFile;
  private final OutputStream data;
  private final Random random = new Random(1);
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("layer");
  private long end;

  private LayerWriter(LayerShape shape, Path dataFile) throws IOException {
    this.shape = shape;
    this.dataFile = dataFile;
    this.data = new BufferedOutputStream(Files.newOutputStream(dataFile));
  }

  /** Writes {@code model} and, beside it, {@code model.data}. */
  static void write(Path model, LayerShape shape) throws IOException {
    try (LayerWriter writer =
            new LayerWriter(shape, model.resolveSibling(model.getFileName() + ".data"));
        OutputStream out = Files.newOutputStream(model)) {
      writer.build().writeTo(out);
    }
  }

  @Override
  public void close() throws IOException {
    data.close();
  }

  private ModelProto build() throws IOException {
    int rows = 2 * shape.inner();
    graph
        .addInput(value(HIDDEN, shape.hidden()))
        .addInput(value(LOGITS, shape.experts()))
        .addOutput(value(OUTPUT, shape.hidden()));
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("QMoE")
            .setDomain(CONTRIB)
            .setName("/model/layers.0/moe/QMoE")
            .addAllInput(
                List.of(
                    HIDDEN,
                    LOGITS,
                    weights("fc1", rows, shape.hidden()),
                    scales("fc1", rows, shape.hidden()),
                    "",
                    weights("fc2", shape.hidden(), shape.inner()),
                    scales("fc2", shape.hidden(), shape.inner())))
            .addOutput(OUTPUT)
            .addAttribute(attribute("k", shape.topK()))
            .addAttribute(attribute("expert_weight_bits", LayerShape.BITS))
            .addAttribute(attribute("block_size", LayerShape.BLOCK))
            .addAttribute(attribute("swiglu_fusion", 1))
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("activation_type")
                    .setType(AttributeType.STRING)
                    .setS(ByteString.copyFromUtf8("swiglu"))));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("warmgate-benchmarks")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(CONTRIB).setVersion(1))
        .setGraph(graph)
        .build();
  }

  private String weights(String matrix, int rows, int columns) throws IOException {
    long begin = end;
    byte[] chunk = new byte[CHUNK];
    for (long left = (long) shape.experts() * rows * columns / 2; left > 0; left -= CHUNK) {
      random.nextBytes(chunk);
      put(chunk, (int) Math.min(left, CHUNK));
    }
    return external(matrix + ".weight", DataType.UINT8_VALUE, begin, rows, columns / 2);
  }

  /** Such that what a matrix makes is about as large as what it takes. */
  private String scales(String matrix, int rows, int columns) throws IOException {
    long begin = end;
    float scale = (float) (1 / (NIBBLE * Math.sqrt(columns)));
    int blocks = columns / LayerShape.BLOCK;
    ByteBuffer row = ByteBuffer.allocate(blocks * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long i = 0; i < (long) shape.experts() * rows; i++) {
      row.clear();
      for (int block = 0; block < blocks; block++) {
        row.putFloat(scale * (0.5f + random.nextFloat()));
      }
      put(row.array(), row.capacity());
    }
    return external(matrix + ".scales", DataType.FLOAT_VALUE, begin, rows, blocks);
  }

  private void put(byte[] bytes, int count) throws IOException {
    data.write(bytes, 0, count);
    end += count;
  }

  private String external(String name, int type, long begin, long rows, long columns) {
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type)
            .addAllDims(Arrays.asList((long) shape.experts(), rows, columns))
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", dataFile.getFileName().toString()))
            .addExternalData(entry("offset", Long.toString(begin)))
            .addExternalData(entry("length", Long.toString(end - begin))));
    return name;
  }

  private static ValueInfoProto value(String name, int width) {
    var dims =
        TensorShapeProto.newBuilder()
            .addDim(Dimension.newBuilder().setDimParam("tokens"))
            .addDim(Dimension.newBuilder().setDimValue(width));
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(DataType.FLOAT_VALUE).setShape(dims)))
        .build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }
}
