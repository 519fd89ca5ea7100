package dev.warmgate.benchmarks.memory;

import static dev.warmgate.benchmarks.OnnxProtos.attribute;
import static dev.warmgate.benchmarks.OnnxProtos.value;

import com.google.protobuf.ByteString;
import dev.warmgate.benchmarks.GeneratedModel;
import dev.warmgate.benchmarks.OnnxProtos;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Writes the MoE part of a decoder as an ONNX model with external data. Each layer: add what
 * attention brings, normalise, gate, experts, add to the stream. The only output is the sum of what
 * all layers' experts said, so that an error in any of them shows.
 *
 * <p>The experts add so little to the stream that they don't change what the next gates say.
 */
final class DecoderWriter {
  static final String HIDDEN = "hidden";
  static final String OUTPUT = "output";

  private static final float EXPERTS_SHARE = 0x1p-10f;
  private static final float EPSILON = 1e-6f;

  private final DecoderShape shape;
  private final ResidualStream stream;
  private final GeneratedModel model;
  private final GraphProto.Builder graph;

  private DecoderWriter(DecoderShape shape, long seed, GeneratedModel model) {
    this.shape = shape;
    stream = new ResidualStream(shape, null, seed);
    this.model = model;
    graph = model.graph();
  }

  /** The input with what attention adds before a layer. */
  static String attention(int layer) {
    return "attention." + layer;
  }

  /**
   * Writes {@code model} and {@link GeneratedModel#dataFile}, and waits until they are on the disk.
   *
   * @param onLayer is told each layer
   */
  static void write(Path model, DecoderShape shape, long seed, IntConsumer onLayer)
      throws IOException {
    try (GeneratedModel files = new GeneratedModel(model, "decoder", seed + 2)) {
      new DecoderWriter(shape, seed, files).build(onLayer);
      files.save();
    }
  }

  private void build(IntConsumer onLayer) throws IOException {
    int hidden = shape.hidden();
    graph.addInput(value(HIDDEN, hidden)).addOutput(value(OUTPUT, hidden));
    graph.addInitializer(constant("experts.share", EXPERTS_SHARE));
    float[] ones = new float[hidden];
    Arrays.fill(ones, 1);
    graph.addInitializer(constant("norm.weight", ones, hidden));
    String states = HIDDEN;
    String sum = "";
    for (int layer = 0; layer < shape.layers(); layer++) {
      String base = "/model/layers." + layer;
      graph.addInput(value(attention(layer), hidden));
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
    String output = base + "/MoE/output_0";
    graph.addNode(
        OnnxProtos.experts(
            "MoE",
            base + "/MoE",
            shape.topK(),
            List.of(
                x,
                logits,
                matrices(base + ".fc1", 2 * shape.inner(), shape.hidden()),
                "",
                matrices(base + ".fc2", shape.hidden(), shape.inner())),
            output));
    return output;
  }

  private String matrices(String name, int rows, int columns) throws IOException {
    return model.matrices(name, shape.experts(), rows, columns);
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
}
