package dev.warmgate.generate;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A decoder of a few nodes in GenAI's layout, with the freedoms that exporters take: the cache is
 * the embeddings of all tokens, the logits are their sum times a matrix, plus a matrix row for the
 * last position.
 *
 * @param ids type of {@code input_ids}, {@code position_ids} and {@code attention_mask}
 * @param cache type of the key-value cache
 * @param positions whether there are {@code position_ids}
 * @param allRows logits [1,S,V], all rows equal; otherwise [1,1,V]
 * @param openBatch whether the model says that there may be several sequences
 */
record ToyDecoder(
    TensorProto.DataType ids,
    TensorProto.DataType cache,
    boolean positions,
    boolean allRows,
    boolean openBatch) {
  static final int VOCABULARY = 11;
  static final int SIZE = 6;
  static final int CONTEXT = 40;

  private static final long SEED = 5;

  ToyDecoder(
      TensorProto.DataType ids, TensorProto.DataType cache, boolean positions, boolean allRows) {
    this(ids, cache, positions, allRows, false);
  }

  /** Writes the model's folder. */
  void write(Path directory) throws IOException {
    Files.write(directory.resolve("toy.onnx"), model().toByteArray());
    Files.writeString(
        directory.resolve(GenAiConfig.FILE_NAME),
        """
        {"model": {"vocab_size": %d, "context_length": %d, "eos_token_id": [],
          "decoder": {"filename": "toy.onnx", "head_size": %d, "num_hidden_layers": 1,
            "num_key_value_heads": 1,
            "inputs": {"past_key_names": "cache.%%d.in", "past_value_names": "unused.%%d"},
            "outputs": {"present_key_names": "cache.%%d.out"}}}}
        """
            .formatted(VOCABULARY, CONTEXT, SIZE));
  }

  /** The logits after some tokens, by plain arithmetic. */
  float[] logits(int... tokens) {
    float[] embedding = weights(1, VOCABULARY * SIZE);
    float[] head = weights(2, SIZE * VOCABULARY);
    float[] position = weights(3, CONTEXT * VOCABULARY);
    float[] logits = new float[VOCABULARY];
    for (int v = 0; v < VOCABULARY; v++) {
      for (int token : tokens) {
        for (int i = 0; i < SIZE; i++) {
          logits[v] += embedding[token * SIZE + i] * head[i * VOCABULARY + v];
        }
      }
      logits[v] += positions ? position[(tokens.length - 1) * VOCABULARY + v] : 0;
    }
    return logits;
  }

  private static float[] weights(long salt, int count) {
    SplittableRandom random = new SplittableRandom(SEED + salt);
    float[] weights = new float[count];
    for (int i = 0; i < count; i++) {
      weights[i] = random.nextInt(-8, 9) / 8f; // exact in float16
    }
    return weights;
  }

  private ModelProto model() {
    long batch = openBatch ? -1 : 1;
    GraphProto.Builder graph = GraphProto.newBuilder().setName("toy");
    input(graph, "input_ids", ids, batch, -1);
    input(graph, "attention_mask", ids, batch, -1);
    input(graph, "cache.0.in", cache, batch, 1, -1, SIZE);
    floats(graph, "embedding", 1, VOCABULARY, SIZE);
    floats(graph, "head", 2, SIZE, VOCABULARY);
    longs(graph, "heads_axis", 1);
    longs(graph, "token_axis", 2);
    node(graph, "Gather", "embedded", "embedding", "input_ids");
    node(graph, "Unsqueeze", "new", "embedded", "heads_axis");
    cast(graph, "new", "new_typed", cache);
    node(graph, "Concat", "cache.0.out", "cache.0.in", "new_typed").addAttribute(axis(2));
    cast(graph, "cache.0.out", "cached", TensorProto.DataType.FLOAT);
    node(graph, "ReduceSum", "sum", "cached", "token_axis");
    node(graph, "Squeeze", "state", "sum", "heads_axis");
    node(graph, "MatMul", "scores", "state", "head");
    // Keeps the mask in the graph: a zero for a mask of ones.
    cast(graph, "attention_mask", "mask", TensorProto.DataType.FLOAT);
    node(graph, "ReduceMin", "least", "mask");
    node(graph, "Sub", "nothing", "least", "least");
    node(graph, "Add", "masked", "scores", "nothing");
    String last = "masked";
    if (positions) {
      input(graph, "position_ids", ids, batch, -1);
      floats(graph, "position_table", 3, CONTEXT, VOCABULARY);
      node(graph, "ReduceMax", "position", "position_ids").addAttribute(axes(1));
      node(graph, "Gather", "position_row", "position_table", "position");
      node(graph, "Add", "placed", last, "position_row");
      last = "placed";
    }
    if (allRows) {
      longs(graph, "one", 1);
      longs(graph, "vocabulary", 1);
      node(graph, "Shape", "ids_shape", "input_ids");
      node(graph, "Concat", "rows", "ids_shape", "vocabulary").addAttribute(axis(0));
      node(graph, "Expand", "logits", last, "rows");
    } else {
      node(graph, "Identity", "logits", last);
    }
    graph.addOutput(
        value("logits", TensorProto.DataType.FLOAT, batch, allRows ? -1 : 1, VOCABULARY));
    graph.addOutput(value("cache.0.out", cache, batch, 1, -1, SIZE));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(15))
        .setGraph(graph)
        .build();
  }

  private static void input(
      GraphProto.Builder graph, String name, TensorProto.DataType type, long... shape) {
    graph.addInput(value(name, type, shape));
  }

  private static ValueInfoProto value(String name, TensorProto.DataType type, long... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (int d = 0; d < shape.length; d++) {
      TensorShapeProto.Dimension.Builder dimension = dimensions.addDimBuilder();
      if (shape[d] < 0) {
        dimension.setDimParam(name + "_" + d);
      } else {
        dimension.setDimValue(shape[d]);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(type.getNumber())
                        .setShape(dimensions)))
        .build();
  }

  private static NodeProto.Builder node(
      GraphProto.Builder graph, String op, String output, String... inputs) {
    return graph.addNodeBuilder().setOpType(op).addAllInput(List.of(inputs)).addOutput(output);
  }

  private static void cast(
      GraphProto.Builder graph, String from, String to, TensorProto.DataType type) {
    node(graph, "Cast", to, from)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("to")
                .setType(AttributeProto.AttributeType.INT)
                .setI(type.getNumber()));
  }

  private static AttributeProto axis(long axis) {
    return AttributeProto.newBuilder()
        .setName("axis")
        .setType(AttributeProto.AttributeType.INT)
        .setI(axis)
        .build();
  }

  private static AttributeProto axes(long axis) {
    return AttributeProto.newBuilder()
        .setName("axes")
        .setType(AttributeProto.AttributeType.INTS)
        .addInts(axis)
        .build();
  }

  private static void floats(GraphProto.Builder graph, String name, long salt, int... shape) {
    float[] values = weights(salt, Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    List<Long> dims = new ArrayList<>();
    for (int size : shape) {
      dims.add((long) size);
    }
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addAllDims(dims)
            .setRawData(ByteString.copyFrom(bytes)));
  }

  private static void longs(GraphProto.Builder graph, String name, long value) {
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.INT64.getNumber())
            .addDims(1)
            .addInt64Data(value));
  }
}
