package dev.warmgate.cli;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import com.google.gson.JsonObject;
import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One inference on files. */
@Command(
    name = "infer",
    mixinStandardHelpOptions = true,
    description = "Runs a model once: raw little-endian files in, raw files out.")
final class InferCommand extends WarmgateCommand {
  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or a folder in GenAI's layout.")
  private Path model;

  @Option(
      names = "--input",
      paramLabel = "NAME=FILE",
      description = "The elements of an input, in the type that the model declares.")
  private final Map<String, Path> inputs = new LinkedHashMap<>();

  @Option(
      names = "--shape",
      paramLabel = "NAME=1,8",
      description = "The shape of an input that the model leaves open.")
  private final Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--output-dir",
      paramLabel = "DIR",
      required = true,
      description = "Where outputs are written, one file each.")
  private Path outputDirectory;

  @Option(names = "--stock", description = "Run on ONNX Runtime without Warmgate.")
  private boolean stock;

  @Mixin private final EngineOptions options = new EngineOptions();

  InferCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException, OrtException {
    Engine engine = stock ? Engine.stock(options) : Engine.warmgate(options);
    Path file = ModelFiles.of(model).file();
    List<JsonObject> outputs;
    Optional<ResidencyStats> stats;
    try (OrtSession session = engine.open(file)) {
      checkNames(session);
      // The tensors read the mapped files in place: they are closed before the arena unmaps them.
      try (Arena arena = Arena.ofConfined()) {
        Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
        try {
          for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
            tensors.put(input.getKey(), tensor(arena, input.getKey(), input.getValue()));
          }
          try (OrtSession.Result result = session.run(tensors)) {
            outputs = write(result);
            stats = engine.statistics();
          }
        } finally {
          tensors.values().forEach(OnnxTensor::close);
        }
      }
    }
    if (json()) {
      JsonObject report = Json.object("model", model, "outputs", outputs);
      Residency.addTo(report, stats);
      print(report);
    } else {
      outputs.forEach(output -> console().out().println(line(output)));
      stats.ifPresent(s -> console().err().println(Residency.text(s)));
    }
    return Main.DONE;
  }

  private void checkNames(OrtSession session) {
    TreeSet<String> given = new TreeSet<>(inputs.keySet());
    given.addAll(shapes.keySet());
    given.removeAll(session.getInputNames());
    if (!given.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: has no input %s; it has %s"
              .formatted(model, given.first(), String.join(", ", session.getInputNames())));
    }
    TreeSet<String> missing = new TreeSet<>(session.getInputNames());
    missing.removeAll(inputs.keySet());
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: --input is missing for %s".formatted(model, String.join(", ", missing)));
    }
  }

  private OnnxTensor tensor(Arena arena, String name, NodeInfo node)
      throws IOException, OrtException {
    if (!(node.getInfo() instanceof TensorInfo info) || !Elements.fixedSize(info.type)) {
      throw new IllegalArgumentException(
          "%s: input %s is %s, not a tensor of numbers".formatted(model, name, node.getInfo()));
    }
    long[] shape =
        shapes.containsKey(name) ? RawFiles.shape(name, shapes.get(name)) : info.getShape();
    return RawFiles.read(Engine.environment(), arena, name, inputs.get(name), info.type, shape);
  }

  private List<JsonObject> write(OrtSession.Result result) throws IOException {
    List<JsonObject> reports = new ArrayList<>();
    RawFiles files = new RawFiles(outputDirectory);
    for (Map.Entry<String, Outputs.Output> entry : Outputs.copy(result).entrySet()) {
      Outputs.Output output = entry.getValue();
      reports.add(
          Json.object(
              "name", entry.getKey(),
              "shape", output.shape(),
              "type", RawFiles.typeName(output.type()),
              "file", files.write(entry.getKey(), output.buffer())));
    }
    return reports;
  }

  private static String line(JsonObject output) {
    return "%s %s %s %s"
        .formatted(
            output.get("name").getAsString(),
            output.get("type").getAsString(),
            output.get("shape"),
            output.get("file").getAsString());
  }
}
