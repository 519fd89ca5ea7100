package dev.warmgate.benchmarks.quantised;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.warmgate.benchmarks.WorkFolder;
import dev.warmgate.benchmarks.quantised.LayerBenchmark.Pace;
import dev.warmgate.cli.OutputOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A layer of experts in stock ONNX Runtime and in Warmgate, side by side. */
@Command(
    name = "qmoe",
    mixinStandardHelpOptions = true,
    description =
        "Times one layer of experts, int4 (QMoE) or fp32 (MoE), in stock ONNX Runtime's"
            + " configurations and in Warmgate's precisions, each in a process of its own, and"
            + " prints the ratios. Needs room for the layer in a temporary folder: by default 0.4 GB,"
            + " in fp32 2.4 GB.")
public final class QuantisedCommand implements Callable<Integer> {
  private static final int MAX_SECONDS = 3600;

  @Option(
      names = "--shapes",
      split = ",",
      paramLabel = "HxI",
      defaultValue = "2048x768,1024x512",
      description = "Hidden and inner sizes (${DEFAULT-VALUE}).")
  private List<String> shapes;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      defaultValue = "int4",
      description =
          "How the experts are stored: int4, in blocks of 32 with fp32 scales, or fp32, which has"
              + " no precision to choose (${DEFAULT-VALUE}).")
  private String weights;

  @Option(
      names = "--experts",
      paramLabel = "N",
      defaultValue = "128",
      description = "Experts of the layer (${DEFAULT-VALUE}).")
  private int experts;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      defaultValue = "8",
      description = "Experts of a token (${DEFAULT-VALUE}).")
  private int topK;

  @Option(
      names = "--tokens",
      split = ",",
      paramLabel = "N",
      defaultValue = "512,64,1",
      description = "Sizes of batches (${DEFAULT-VALUE}).")
  private List<Integer> tokens;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute, in all engines (all processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "2",
      description = "For each time, after half as much of warm-up (${DEFAULT-VALUE}).")
  private double seconds;

  @Mixin private OutputOptions output;

  private final PrintStream out;
  private final PrintStream err;

  /**
   * The command for one run.
   *
   * @param out gets the result
   * @param err gets progress
   */
  public QuantisedCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<LayerShape> layers = check();
    List<Integer> largestFirst = tokens.stream().sorted(Comparator.reverseOrder()).toList();
    JsonArray results = new JsonArray();
    try (WorkFolder folder = WorkFolder.open(null)) {
      // One layer's files at a time.
      folder.requireSpace(layers.stream().mapToLong(LayerShape::bytes).max().orElseThrow());
      var benchmark =
          new LayerBenchmark(folder.path(), new Pace(threads, largestFirst, seconds), err);
      for (LayerShape layer : layers) {
        LayerReport report = benchmark.run(layer);
        results.add(report.json());
        if (!output.json()) {
          out.print(report.text());
        }
      }
    }
    if (output.json()) {
      JsonObject whole = new JsonObject();
      whole.addProperty("threads", threads);
      whole.add("layers", results);
      out.println(whole);
    }
    return 0;
  }

  private List<LayerShape> check() {
    if (threads < 1 || tokens.stream().anyMatch(n -> n < 1) || !(seconds > 0)) {
      throw new IllegalArgumentException("--threads, --tokens and --seconds must be above 0");
    }
    if (seconds > MAX_SECONDS) {
      throw new IllegalArgumentException("--seconds " + seconds + " is above " + MAX_SECONDS);
    }
    Weights type = Weights.parse(weights);
    List<LayerShape> layers =
        shapes.stream().map(text -> LayerShape.parse(text, experts, topK, type)).toList();
    for (LayerShape layer : layers) {
      int most = Integer.MAX_VALUE / Float.BYTES / Math.max(layer.hidden(), layer.experts());
      for (int size : tokens) {
        if (size > most) {
          throw new IllegalArgumentException(
              "--tokens %d: above %d, the most with %s and %d experts"
                  .formatted(size, most, layer, layer.experts()));
        }
      }
    }
    return layers;
  }
}
