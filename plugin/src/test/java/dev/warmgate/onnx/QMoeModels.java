package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.QMoeWeights.Part;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Writes real ONNX models with QMoE nodes, or with fp16 MoE nodes, for tests and benchmarks. */
public final class QMoeModels {
  private static final float RESIDUAL = 0.5f;

  private final QMoeModelSpec spec;
  private final QMoeEdit change;
  private final String dataFile;
  private final FileChannel data;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("qmoe");

  private QMoeModels(QMoeModelSpec spec, QMoeEdit change, String dataFile, FileChannel data) {
    this.spec = spec;
    this.change = change;
    this.dataFile = dataFile;
    this.data = data;
  }

  /**
   * Writes the model to {@code file}, external data to {@code file + ".data"}.
   *
   * @return {@code file}
   */
  public static Path write(Path file, QMoeModelSpec spec) throws IOException {
    return write(file, spec, QMoeEdit.NONE);
  }

  /** The same, and changes the graph at the end, for models that are not as they should be. */
  public static Path write(Path file, QMoeModelSpec spec, QMoeEdit change) throws IOException {
    if (spec.moe().storage() == Storage.EMBEDDED) {
      save(file, new QMoeModels(spec, change, "", null));
      return file;
    }
    Path dataPath = MoeModels.dataFile(file);
    try (FileChannel data =
        FileChannel.open(
            dataPath,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      save(file, new QMoeModels(spec, change, dataPath.getFileName().toString(), data));
    }
    return file;
  }

  private static void save(Path file, QMoeModels models) throws IOException {
    models.build();
    try (OutputStream out = Files.newOutputStream(file)) {
      Protos.model(models.graph).writeTo(out);
    }
  }

  private void build() throws IOException {
    MoeModelSpec moe = spec.moe();
    List<Object> shape =
        moe.rank() == 3
            ? List.of("batch", "tokens", (long) moe.hidden())
            : List.of("tokens", (long) moe.hidden());
    graph.addInput(Protos.value("hidden", spec.type(), shape));
    graph.addInitializer(Protos.scalar("residual", spec.type(), RESIDUAL));
    graph.addInitializer(Protos.int64s("router.shape", -1, moe.experts()));
    String x = "hidden";
    for (int layer = 0; layer < moe.layers(); layer++) {
      var weights = new QMoeWeights(spec, layer);
      String base = "/model/layers." + layer;
      String logits = router(weights, layer, base + "/moe/router", x);
      String y = moe(weights, layer, base + "/moe", x, logits);
      graph.addNode(node("Mul", base + "/scale/Mul", y + ".scaled", y, "residual"));
      String next = layer == moe.layers() - 1 ? "output" : base + "/output";
      graph.addNode(node("Add", base + "/residual/Add", next, x, y + ".scaled"));
      x = next;
    }
    graph.addOutput(Protos.value("output", spec.type(), shape));
    change.apply(graph);
  }

  private String router(QMoeWeights weights, int layer, String base, String x) throws IOException {
    if (spec.moe().router() == Router.INPUT) {
      return perExpert("router." + layer);
    }
    String logits = base + "/MatMul/output_0";
    String matrix = tensor(weights, Part.GATE, base + ".weight");
    graph.addNode(node("MatMul", base + "/MatMul", logits, x, matrix));
    if (spec.moe().rank() == 3) {
      graph.addNode(node("Reshape", base + "/Reshape", base + "/flat", logits, "router.shape"));
      logits = base + "/flat";
    }
    return logits;
  }

  /** An input of the graph with a value for each token and expert. */
  private String perExpert(String name) {
    String rows = spec.moe().rank() == 3 ? "batch_tokens" : "tokens";
    graph.addInput(Protos.value(name, spec.type(), List.of(rows, (long) spec.moe().experts())));
    return name;
  }

  private String moe(QMoeWeights weights, int layer, String base, String x, String logits)
      throws IOException {
    MoeModelSpec moe = spec.moe();
    String fc1 = tensor(weights, Part.FC1, base + ".fc1.weight");
    String bias1 = moe.bias() ? tensor(weights, Part.BIAS1, base + ".fc1.bias") : "";
    String fc2 = tensor(weights, Part.FC2, base + ".fc2.weight");
    String bias2 = moe.bias() ? tensor(weights, Part.BIAS2, base + ".fc2.bias") : "";
    String op = spec.quantised() ? "QMoE" : "MoE";
    String output = base + "/" + op + "/output_0";
    NodeProto.Builder node;
    if (spec.quantised()) {
      String scales1 = tensor(weights, Part.SCALES1, base + ".fc1.scales");
      String scales2 = tensor(weights, Part.SCALES2, base + ".fc2.scales");
      node =
          node(op, base + "/" + op, output, x, logits)
              .addAllInput(List.of(fc1, scales1, bias1, fc2, scales2, bias2, "", "", ""));
      if (spec.zeroPoints() || spec.routerWeights()) {
        node.addInput(spec.zeroPoints() ? tensor(weights, Part.ZEROS1, base + ".fc1.zeros") : "")
            .addInput(spec.zeroPoints() ? tensor(weights, Part.ZEROS2, base + ".fc2.zeros") : "")
            .addInput("")
            .addInput(spec.routerWeights() ? perExpert("weights." + layer) : "");
      }
      node.addAttribute(attribute("expert_weight_bits", spec.bits()));
      if (spec.block() > 0) {
        node.addAttribute(attribute("block_size", spec.block()));
      }
    } else {
      node = node(op, base + "/" + op, output, x, logits, fc1, bias1, fc2, bias2);
    }
    node.setDomain(Protos.CONTRIB)
        .addAttribute(attribute("k", moe.topK()))
        .addAttribute(attribute("activation_type", moe.activation().type()))
        .addAttribute(attribute("normalize_routing_weights", moe.normalize() ? 1 : 0));
    if (moe.activation().gated()) {
      boolean halves = moe.activation() == MoeModelSpec.Activation.SWIGLU_HALVES;
      node.addAttribute(attribute("swiglu_fusion", halves ? 2 : 1))
          .addAttribute(attribute("activation_alpha", moe.alpha()))
          .addAttribute(attribute("activation_beta", moe.beta()));
      if (!Float.isInfinite(moe.limit())) {
        node.addAttribute(attribute("swiglu_limit", moe.limit()));
      }
    }
    graph.addNode(node);
    return output;
  }

  private String tensor(QMoeWeights weights, Part part, String name) throws IOException {
    var tensor = TensorProto.newBuilder().setName(name).setDataType(weights.type(part).code());
    for (long dim : weights.dims(part)) {
      tensor.addDims(dim);
    }
    ByteBuffer bytes = weights.bytes(part);
    if (data == null) {
      tensor.setRawData(ByteString.copyFrom(bytes));
    } else {
      MoeModelSpec moe = spec.moe();
      long offset = Math.ceilDiv(data.size(), moe.alignment()) * moe.alignment() + moe.skew();
      tensor
          .setDataLocation(TensorProto.DataLocation.EXTERNAL)
          .addExternalData(entry("location", dataFile))
          .addExternalData(entry("offset", Long.toString(offset)))
          .addExternalData(entry("length", Long.toString(bytes.remaining())));
      while (bytes.hasRemaining()) {
        data.write(bytes, offset + bytes.position());
      }
    }
    graph.addInitializer(tensor);
    return name;
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
