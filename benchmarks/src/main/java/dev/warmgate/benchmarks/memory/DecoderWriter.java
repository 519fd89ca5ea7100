package dev.warmgate.benchmarks.memory;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.AttributeProto.AttributeType;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TensorShapeProto.Dimension;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Writes the MoE part of a decoder as an ONNX model with external data. Each layer: add what
 * attention brings, normalise, gate, experts, add to the stream. The only output is the sum of what
 * all layers' experts said, so that an error in any of them shows.
 *
 * <p>The experts add so little to the stream that they don't change what the next gates say.
 */
final class DecoderWriter implements AutoCloseable {
  static final String HIDDEN = "hidden";
  static final String OUTPUT = "output";

  private static final String CONTRIB = "com.microsoft";
  private static final float EXPERTS_SHARE = 0x1p-10f;
  private static final float EPSILON = 1e-6f;
  private static final int ALIGNMENT = 4096;
  private static final int CHUNK_BYTES = 1 << 20;

  private final DecoderShape shape;
  private final ResidualStream stream;
  private final Noise noise;
  private final String dataName;
  private final FileChannel data;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("decoder");
  private long dataEnd;
  private long weights;

  private DecoderWriter(DecoderShape shape, long seed, Path dataFile) throws IOException {
    this.shape = shape;
    stream = new ResidualStream(shape, null, seed);
    noise = new Noise(seed + 2);
    dataName = dataFile.getFileName().toString();
    data =
        FileChannel.open(
            dataFile,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  /** The input with what attention adds before a layer. */
  static String attention(int layer) {
    return "attention." + layer;
  }

  /** Where {@link #write} puts external data. */
  static Path dataFile(Path model) {
    return model.resolveSibling(model.getFileName() + ".data");
  }

  /**
   * Writes {@code model} and {@link #dataFile}, and waits until they are on the disk.
   *
   * @param onLayer is told each layer
   */
  static void write(Path model, DecoderShape shape, long seed, IntConsumer onLayer)
      throws IOException {
    try (DecoderWriter writer = new DecoderWriter(shape, seed, dataFile(model))) {
      ModelProto proto = writer.build(onLayer);
      writer.data.force(true);
      try (OutputStream out = Files.newOutputStream(model)) {
        proto.writeTo(out);
      }
    }
  }

  @Override
  public void close() throws IOException {
    data.close();
  }

  private ModelProto build(IntConsumer onLayer) throws IOException {
    graph.addInput(value(HIDDEN)).addOutput(value(OUTPUT));
    graph.addInitializer(constant("experts.share", EXPERTS_SHARE));
    float[] ones = new float[shape.hidden()];
    Arrays.fill(ones, 1);
    graph.addInitializer(constant("norm.weight", ones, shape.hidden()));
    String states = HIDDEN;
    String sum = "";
    for (int layer = 0; layer < shape.layers(); layer++) {
      String base = "/model/layers." + layer;
      graph.addInput(value(attention(layer)));
      String x = node("Add", base + "/attention/Add", states, attention(layer));
      String experts = experts(layer, base + "/moe", normalised(base + "/norm", x));
      boolean last = layer == shape.layers() - 1;
      if (layer > 0) {
        sum = last ? addOutput(base, sum, experts) : node("Add", base + "/sum/Add", sum, experts);
      } else {
        sum = experts;
      }
      if (!last) {
        String share = node("Mul", base + "/share/Mul", experts, "experts.share");
        states = node("Add", base + "/residual/Add", x, share);
      }
      onLayer.accept(layer);
    }
    if (shape.layers() == 1) {
      graph.addNode(NodeProto.newBuilder().setOpType("Identity").addInput(sum).addOutput(OUTPUT));
    }
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("warmgate-benchmarks")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(CONTRIB).setVersion(1))
        .setGraph(graph)
        .build();
  }

  private String addOutput(String base, String sum, String experts) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Add")
            .setName(base + "/sum/Add")
            .addInput(sum)
            .addInput(experts)
            .addOutput(OUTPUT));
    return OUTPUT;
  }

  private String normalised(String name, String x) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("SimplifiedLayerNormalization")
            .setName(name)
            .addInput(x)
            .addInput("norm.weight")
            .addOutput(name + "/output_0")
            .addAttribute(attribute("axis", -1))
            .addAttribute(attribute("epsilon", EPSILON)));
    return name + "/output_0";
  }

  private String experts(int layer, String base, String x) throws IOException {
    ByteBuffer gate = floats((long) shape.hidden() * shape.experts());
    stream.gate(layer, gate.asFloatBuffer());
    graph.addInitializer(constant(base + ".gate", gate, shape.hidden(), shape.experts()));
    String logits = node("MatMul", base + "/router/MatMul", x, base + ".gate");
    int inner = shape.inner();
    int hidden = shape.hidden();
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("MoE")
            .setDomain(CONTRIB)
            .setName(base + "/MoE")
            .addAllInput(
                Arrays.asList(
                    x,
                    logits,
                    matrices(base + ".fc1", 2 * inner, hidden),
                    "",
                    matrices(base + ".fc2", hidden, inner)))
            .addOutput(base + "/MoE/output_0")
            .addAttribute(attribute("k", shape.topK()))
            .addAttribute(attribute("normalize_routing_weights", 1))
            .addAttribute(attribute("swiglu_fusion", 1))
            .addAttribute(attribute("activation_alpha", 1f))
            .addAttribute(attribute("activation_beta", 0f))
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("activation_type")
                    .setType(AttributeType.STRING)
                    .setS(ByteString.copyFromUtf8("swiglu"))));
    return base + "/MoE/output_0";
  }

  /** One matrix of each expert, random, such that what it makes is as large as what it takes. */
  private String matrices(String name, int rows, int columns) throws IOException {
    long bytes = (long) shape.experts() * rows * columns * Float.BYTES;
    long offset = Math.ceilDiv(dataEnd, ALIGNMENT) * ALIGNMENT;
    float scale = (float) Math.sqrt(3.0 / columns);
    ByteBuffer chunk = floats(CHUNK_BYTES / Float.BYTES);
    for (long done = 0; done < bytes; done += chunk.limit()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - done));
      FloatBuffer values = chunk.asFloatBuffer();
      while (values.hasRemaining()) {
        values.put(noise.uniform(weights++) * scale);
      }
      while (chunk.hasRemaining()) {
        data.write(chunk, offset + done + chunk.position());
      }
    }
    dataEnd = offset + bytes;
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT_VALUE)
            .addAllDims(Arrays.asList((long) shape.experts(), (long) rows, (long) columns))
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", dataName))
            .addExternalData(entry("offset", Long.toString(offset)))
            .addExternalData(entry("length", Long.toString(bytes))));
    return name;
  }

  /** Adds a node with one output; returns the output's name. */
  private String node(String op, String name, String... inputs) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(op)
            .setName(name)
            .addAllInput(Arrays.asList(inputs))
            .addOutput(name + "/output_0"));
    return name + "/output_0";
  }

  private ValueInfoProto value(String name) {
    var dims =
        TensorShapeProto.newBuilder()
            .addDim(Dimension.newBuilder().setDimParam("tokens"))
            .addDim(Dimension.newBuilder().setDimValue(shape.hidden()));
    var type =
        TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT_VALUE).setShape(dims);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(type))
        .build();
  }

  private static ByteBuffer floats(long count) {
    return ByteBuffer.allocate(Math.toIntExact(count * Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static TensorProto constant(String name, float value) {
    return constant(name, floats(1).putFloat(0, value));
  }

  private static TensorProto constant(String name, float[] values, long... dims) {
    ByteBuffer bytes = floats(values.length);
    bytes.asFloatBuffer().put(values);
    return constant(name, bytes, dims);
  }

  private static TensorProto constant(String name, ByteBuffer bytes, long... dims) {
    var tensor = TensorProto.newBuilder().setName(name);
    Arrays.stream(dims).forEach(tensor::addDims);
    return tensor
        .setDataType(TensorProto.DataType.FLOAT_VALUE)
        .setRawData(ByteString.copyFrom(bytes))
        .build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF(value)
        .build();
  }
}
