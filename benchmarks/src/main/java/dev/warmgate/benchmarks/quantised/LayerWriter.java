package dev.warmgate.benchmarks.quantised;

import static dev.warmgate.benchmarks.OnnxProtos.attribute;
import static dev.warmgate.benchmarks.OnnxProtos.value;

import dev.warmgate.benchmarks.GeneratedModel;
import dev.warmgate.benchmarks.OnnxProtos;
import dev.warmgate.onnx.proto.NodeProto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Writes a model that is one {@code QMoE} or {@code MoE} node, with random weights. */
final class LayerWriter {
  static final String HIDDEN = "hidden";
  static final String LOGITS = "logits";
  static final String OUTPUT = "output";

  private static final long SEED = 1;
  private static final String NODE = "/model/layers.0/moe/";
  private static final String FC1 = "fc1";
  private static final String FC2 = "fc2";

  /** Standard deviation of a nibble that is as likely to be any as another. */
  private static final double NIBBLE = Math.sqrt((256 - 1) / 12.0);

  private final LayerShape shape;
  private final GeneratedModel model;
  private final Random random = new Random(SEED);

  private LayerWriter(LayerShape shape, GeneratedModel model) {
    this.shape = shape;
    this.model = model;
  }

  /**
   * Writes {@code model} and {@link GeneratedModel#dataFile}, and waits until they are on the disk:
   * no engine is to be timed while the system writes.
   */
  static void write(Path model, LayerShape shape) throws IOException {
    try (GeneratedModel files = new GeneratedModel(model, "layer", SEED)) {
      LayerWriter writer = new LayerWriter(shape, files);
      files
          .graph()
          .addInput(value(HIDDEN, shape.hidden()))
          .addInput(value(LOGITS, shape.experts()))
          .addOutput(value(OUTPUT, shape.hidden()))
          .addNode(
              switch (shape.weights()) {
                case INT4 -> writer.quantised();
                case FP32 -> writer.plain();
              });
      files.save();
    }
  }

  private NodeProto.Builder quantised() throws IOException {
    int rows = 2 * shape.inner();
    return node(
            "QMoE",
            List.of(
                HIDDEN,
                LOGITS,
                nibbles(FC1, rows, shape.hidden()),
                scales(FC1, rows, shape.hidden()),
                "",
                nibbles(FC2, shape.hidden(), shape.inner()),
                scales(FC2, shape.hidden(), shape.inner())))
        .addAttribute(attribute("expert_weight_bits", Weights.BITS))
        .addAttribute(attribute("block_size", Weights.BLOCK));
  }

  private NodeProto.Builder plain() throws IOException {
    return node(
        "MoE",
        List.of(
            HIDDEN,
            LOGITS,
            model.matrices(FC1, shape.experts(), 2 * shape.inner(), shape.hidden()),
            "",
            model.matrices(FC2, shape.experts(), shape.hidden(), shape.inner())));
  }

  private NodeProto.Builder node(String op, List<String> inputs) {
    return OnnxProtos.experts(op, NODE + op, shape.topK(), inputs, OUTPUT);
  }

  private String nibbles(String matrix, int rows, int columns) throws IOException {
    return model.bytes(
        matrix + ".weight", random::nextBytes, shape.experts(), rows, columns * Weights.BITS / 8);
  }

  /** Such that what a matrix makes is about as large as what it takes. */
  private String scales(String matrix, int rows, int columns) throws IOException {
    float scale = (float) (1 / (NIBBLE * Math.sqrt(columns)));
    return model.floats(
        matrix + ".scales",
        values -> {
          while (values.hasRemaining()) {
            values.put(scale * (0.5f + random.nextFloat()));
          }
        },
        shape.experts(),
        rows,
        columns / Weights.BLOCK);
  }
}
