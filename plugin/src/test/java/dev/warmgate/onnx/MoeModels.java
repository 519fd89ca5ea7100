package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeWeights.Part;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Writes real ONNX models with MoE nodes, for tests and benchmarks. */
public final class MoeModels {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final float RESIDUAL = 0.5f;

  private final MoeModelSpec spec;
  private final MoeWeights weights;
  private final String dataFile;
  private final FileChannel data;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("moe");
  private long dataEnd;

  private MoeModels(MoeModelSpec spec, String dataFile, FileChannel data) {
    this.spec = spec;
    this.weights = new MoeWeights(spec);
    this.dataFile = dataFile;
    this.data = data;
    this.dataEnd = spec.skew();
  }

  /**
   * Writes the model to {@code file}, external data to {@code file + ".data"}; memory use doesn't
   * depend on the size of external data.
   *
   * @return {@code file}
   */
  public static Path write(Path file, MoeModelSpec spec) throws IOException {
    if (spec.storage() == Storage.EMBEDDED) {
      save(file, new MoeModels(spec, "", null));
      return file;
    }
    Path dataPath = dataFile(file);
    try (FileChannel data =
        FileChannel.open(
            dataPath,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      save(file, new MoeModels(spec, dataPath.getFileName().toString(), data));
    }
    return file;
  }

  /** Where {@link #write} puts external data. */
  public static Path dataFile(Path file) {
    return file.resolveSibling(file.getFileName() + ".data");
  }

  private static void save(Path file, MoeModels models) throws IOException {
    models.build();
    try (OutputStream out = Files.newOutputStream(file)) {
      Protos.model(models.graph).writeTo(out);
    }
  }

  private void build() throws IOException {
    List<Object> shape =
        spec.rank() == 3
            ? List.of("batch", "tokens", (long) spec.hidden())
            : List.of("tokens", (long) spec.hidden());
    graph.addInput(Protos.value("hidden", shape));
    graph.addInitializer(Protos.scalar("residual", RESIDUAL));
    graph.addInitializer(Protos.int64s("router.shape", -1, spec.experts()));
    String x = "hidden";
    for (int layer = 0; layer < spec.layers(); layer++) {
      String base = "/model/layers." + layer;
      String logits = router(layer, base + "/moe/router", x);
      String y = moe(layer, base + "/moe", x, logits);
      graph.addNode(node("Mul", base + "/scale/Mul", y + ".scaled", y, "residual"));
      String next = layer == spec.layers() - 1 ? "output" : base + "/output";
      graph.addNode(node("Add", base + "/residual/Add", next, x, y + ".scaled"));
      x = next;
    }
    graph.addOutput(Protos.value("output", shape));
    if (data != null && dataEnd > data.size()) {
      data.write(ByteBuffer.allocate(1), dataEnd - 1);
    }
  }

  private String router(int layer, String base, String x) throws IOException {
    if (spec.router() == Router.INPUT) {
      String input = "router." + layer;
      String rows = spec.rank() == 3 ? "batch_tokens" : "tokens";
      graph.addInput(Protos.value(input, List.of(rows, (long) spec.experts())));
      return input;
    }
    String matrix = tensor(layer, Part.GATE, base + ".weight");
    if (spec.router() == Router.GEMM) {
      String bias = tensor(layer, Part.GATE_BIAS, base + ".bias");
      graph.addNode(
          node("Gemm", base + "/Gemm", base + "/logits", x, matrix, bias)
              .addAttribute(attribute("transB", 1)));
      return base + "/logits";
    }
    String logits = base + "/MatMul/output_0";
    graph.addNode(node("MatMul", base + "/MatMul", logits, x, matrix));
    if (spec.router() == Router.MATMUL_BIAS) {
      String bias = tensor(layer, Part.GATE_BIAS, base + ".bias");
      graph.addNode(node("Add", base + "/Add", base + "/Add/output_0", logits, bias));
      logits = base + "/Add/output_0";
    }
    if (spec.rank() == 3) {
      graph.addNode(node("Reshape", base + "/Reshape", base + "/flat", logits, "router.shape"));
      logits = base + "/flat";
    }
    return logits;
  }

  private String moe(int layer, String base, String x, String logits) throws IOException {
    String fc1 = tensor(layer, Part.FC1, base + ".fc1.weight");
    String bias1 = spec.bias() ? tensor(layer, Part.FC1_BIAS, base + ".fc1.bias") : "";
    String fc2 = tensor(layer, Part.FC2, base + ".fc2.weight");
    String bias2 = spec.bias() ? tensor(layer, Part.FC2_BIAS, base + ".fc2.bias") : "";
    NodeProto.Builder moe =
        node("MoE", base + "/MoE", base + "/MoE/output_0", x, logits, fc1, bias1, fc2, bias2)
            .setDomain(Protos.CONTRIB)
            .addAttribute(attribute("k", spec.topK()))
            .addAttribute(attribute("activation_type", spec.activation().type()))
            .addAttribute(attribute("normalize_routing_weights", spec.normalize() ? 1 : 0));
    if (spec.activation().gated()) {
      boolean halves = spec.activation() == MoeModelSpec.Activation.SWIGLU_HALVES;
      moe.addAttribute(attribute("swiglu_fusion", halves ? 2 : 1))
          .addAttribute(attribute("activation_alpha", spec.alpha()))
          .addAttribute(attribute("activation_beta", spec.beta()));
      if (!Float.isInfinite(spec.limit())) {
        moe.addAttribute(attribute("swiglu_limit", spec.limit()));
      }
    }
    graph.addNode(moe);
    return base + "/MoE/output_0";
  }

  private String tensor(int layer, Part part, String name) throws IOException {
    var tensor = TensorProto.newBuilder().setName(name).setDataType(ElementType.FLOAT.code());
    for (long dim : weights.dims(part)) {
      tensor.addDims(dim);
    }
    long bytes = 4 * weights.elements(part);
    if (data == null) {
      ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes));
      weights.fill(layer, part, 0, buffer.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer());
      tensor.setRawData(ByteString.copyFrom(buffer));
    } else {
      long offset = Math.ceilDiv(dataEnd - spec.skew(), spec.alignment()) * spec.alignment();
      offset += spec.skew();
      tensor
          .setDataLocation(TensorProto.DataLocation.EXTERNAL)
          .addExternalData(entry("location", dataFile))
          .addExternalData(entry("offset", Long.toString(offset)))
          .addExternalData(entry("length", Long.toString(bytes)));
      if (spec.storage() == Storage.EXTERNAL) {
        writeData(layer, part, offset, bytes);
      }
      dataEnd = offset + bytes;
    }
    graph.addInitializer(tensor);
    return name;
  }

  private void writeData(int layer, Part part, long offset, long bytes) throws IOException {
    ByteBuffer chunk =
        ByteBuffer.allocate((int) Math.min(bytes, CHUNK_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < bytes; done += chunk.limit()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - done));
      weights.fill(layer, part, done / 4, chunk.asFloatBuffer());
      while (chunk.hasRemaining()) {
        data.write(chunk, offset + done + chunk.position());
      }
    }
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
