package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/**
 * Writes decoders with random weights, as GenAI's builder lays them out: RMSNorm, rotary positions,
 * {@code GroupQueryAttention}, {@code MoE}.
 */
public final class DecoderModels {
  private final DecoderSpec spec;
  private final SplittableRandom random;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("decoder");
  private int nodes;

  private DecoderModels(DecoderSpec spec, long seed) {
    this.spec = spec;
    random = new SplittableRandom(seed);
  }

  /** Writes a model's folder, without a tokenizer; equal seeds give equal weights. */
  public static void write(Path folder, DecoderSpec spec, long seed) throws IOException {
    DecoderModels models = new DecoderModels(spec, seed);
    models.build();
    String file = spec.names() == DecoderSpec.Names.USUAL ? "model.onnx" : "decoder.onnx";
    Files.write(folder.resolve(file), Protos.model(models.graph).toByteArray());
    Files.writeString(folder.resolve("genai_config.json"), spec.config(file));
  }

  private void build() {
    int hidden = spec.hidden();
    DecoderSpec.Names names = spec.names();
    String mask = input(names.of("attention_mask"), "total");
    String ids = input(names.ids, "sequence");
    String positions = spec.positions() ? input(names.of("position_ids"), "sequence") : "";
    graph.addInitializer(Protos.int64s("one", 1));
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName("second")
            .setDataType(ElementType.INT64.code())
            .addInt64Data(1));
    String[] lengths = lengths(mask);
    rotary("cos", Math::cos);
    rotary("sin", Math::sin);
    String states = node("Gather", weights("embedding", 1, spec.vocabulary(), hidden), ids);
    for (int layer = 0; layer < spec.layers(); layer++) {
      String normed = norm(states, layer + ".attention_norm");
      states = node("Add", states, attention(normed, layer, lengths, positions));
      normed = norm(states, layer + ".expert_norm");
      states = node("Add", states, experts(normed, layer));
    }
    String head = weights("head", 1, hidden, spec.vocabulary());
    named("MatMul", names.logits, norm(states, "final_norm"), head);
    graph.addOutput(
        Protos.value(names.logits, List.of("batch", "sequence", (long) spec.vocabulary())));
  }

  private String input(String name, String length) {
    graph.addInput(Protos.value(name, spec.ids(), List.of("batch", length)));
    return cast(name, ElementType.INT64);
  }

  /** The last index of each sequence, and the longest length, as the attention wants them. */
  private String[] lengths(String mask) {
    String width = node("Gather", node("Shape", mask), "second");
    String own = node("ReduceSum", mask, "one");
    if (spec.lengths() == DecoderSpec.Lengths.WIDTH) {
      own = node("Add", node("Sub", own, own), width);
    }
    String last = node("Sub", own, "one");
    return new String[] {cast(last, ElementType.INT32), cast(width, ElementType.INT32)};
  }

  private String attention(String states, int layer, String[] lengths, String positions) {
    int wide = spec.heads() * DecoderSpec.HEAD_SIZE;
    int narrow = spec.cacheHeads() * DecoderSpec.HEAD_SIZE;
    String query = cast(project(states, layer + ".q", wide, wide), spec.cache());
    String key = cast(project(states, layer + ".k", wide, narrow), spec.cache());
    String value = cast(project(states, layer + ".v", wide, narrow), spec.cache());
    if (spec.positions()) {
      query = rotate(query, positions, spec.heads());
      key = rotate(key, positions, spec.cacheHeads());
    }
    DecoderSpec.Names names = spec.names();
    String pastKey = cache(names.pastKey, layer, "past", true);
    String pastValue = cache(names.pastValue, layer, "past", true);
    String seen = "seen." + layer;
    NodeProto.Builder node =
        graph
            .addNodeBuilder()
            .setOpType("GroupQueryAttention")
            .setName("attention." + layer)
            .setDomain(Protos.CONTRIB)
            .addAllInput(List.of(query, key, value, pastKey, pastValue, lengths[0], lengths[1]))
            .addOutput(seen)
            .addOutput(cache(names.presentKey(), layer, "total", false))
            .addOutput(cache(names.presentValue(), layer, "total", false))
            .addAttribute(attribute("num_heads", spec.heads()))
            .addAttribute(attribute("kv_num_heads", spec.cacheHeads()));
    if (!spec.positions()) {
      node.addInput("cos").addInput("sin").addAttribute(attribute("do_rotary", 1));
    }
    return project(cast(seen, ElementType.FLOAT), layer + ".o", wide, spec.hidden());
  }

  private String rotate(String states, String positions, int heads) {
    String output = "rotated." + nodes++;
    graph.addNode(
        Protos.node("RotaryEmbedding", output, output, states, positions, "cos", "sin")
            .setDomain(Protos.CONTRIB)
            .addAttribute(attribute("num_heads", heads)));
    return output;
  }

  private String cache(String pattern, int layer, String length, boolean input) {
    String name = pattern.replace("%d", Integer.toString(layer));
    List<Object> dims =
        List.of("batch", (long) spec.cacheHeads(), length, (long) DecoderSpec.HEAD_SIZE);
    if (input) {
      graph.addInput(Protos.value(name, spec.cache(), dims));
    } else {
      graph.addOutput(Protos.value(name, spec.cache(), dims));
    }
    return name;
  }

  private String experts(String states, int layer) {
    int hidden = spec.hidden();
    String name = layer + ".experts";
    String flat = name + ".flat";
    graph.addInitializer(Protos.int64s(flat, -1, DecoderSpec.EXPERTS));
    String router =
        node("Reshape", project(states, layer + ".router", hidden, DecoderSpec.EXPERTS), flat);
    String output = name + ".out";
    graph.addNode(
        Protos.node(
                "MoE",
                name,
                output,
                states,
                router,
                weights(name + ".up", hidden, DecoderSpec.EXPERTS, DecoderSpec.INNER, hidden),
                "",
                weights(
                    name + ".down",
                    DecoderSpec.INNER,
                    DecoderSpec.EXPERTS,
                    hidden,
                    DecoderSpec.INNER))
            .setDomain(Protos.CONTRIB)
            .addAttribute(attribute("k", DecoderSpec.TOP_K))
            .addAttribute(attribute("activation_type", "silu"))
            .addAttribute(attribute("normalize_routing_weights", 1)));
    return output;
  }

  private String norm(String states, String name) {
    float[] ones = new float[spec.hidden()];
    Arrays.fill(ones, 1);
    String output = name + ".out";
    graph.addNode(
        Protos.node(
                "SimplifiedLayerNormalization",
                name,
                output,
                states,
                tensor(name, ElementType.FLOAT, ones, spec.hidden()))
            .addAttribute(attribute("axis", -1))
            .addAttribute(attribute("epsilon", 1e-5f)));
    return output;
  }

  private String project(String states, String name, int from, int to) {
    return node("MatMul", states, weights(name, from, from, to));
  }

  private String cast(String value, ElementType to) {
    String output = "cast." + nodes++;
    graph.addNode(
        Protos.node("Cast", output, output, value).addAttribute(attribute("to", to.code())));
    return output;
  }

  private String node(String op, String... inputs) {
    return named(op, op + "." + nodes++, inputs);
  }

  private String named(String op, String output, String... inputs) {
    graph.addNode(Protos.node(op, output, output, inputs));
    return output;
  }

  /** Random numbers, of which a sum over {@code width} has a size of about one. */
  private String weights(String name, int width, int... dims) {
    double scale = Math.sqrt(3.0 / width);
    float[] values = new float[Arrays.stream(dims).reduce(1, (a, b) -> a * b)];
    DoubleSupplier next = () -> random.nextDouble(-scale, scale);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) next.getAsDouble();
    }
    return tensor(name, ElementType.FLOAT, values, dims);
  }

  private interface Wave {
    double of(double angle);
  }

  private void rotary(String name, Wave wave) {
    int half = DecoderSpec.HEAD_SIZE / 2;
    float[] values = new float[DecoderSpec.CONTEXT * half];
    for (int i = 0; i < values.length; i++) {
      double frequency = Math.pow(100, -(i % half) / (double) half);
      int position = i / half;
      values[i] = (float) wave.of(position * frequency);
    }
    tensor(name, spec.cache(), values, DecoderSpec.CONTEXT, half);
  }

  private String tensor(String name, ElementType type, float[] values, int... dims) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) type.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      if (type == ElementType.FLOAT16) {
        bytes.putShort(Float.floatToFloat16(value));
      } else {
        bytes.putFloat(value);
      }
    }
    var tensor = TensorProto.newBuilder().setName(name).setDataType(type.code());
    for (int dim : dims) {
      tensor.addDims(dim);
    }
    graph.addInitializer(tensor.setRawData(ByteString.copyFrom(bytes.flip())));
    return name;
  }
}
