package dev.warmgate.benchmarks.quantised;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.warmgate.benchmarks.quantised.Task.Measured;
import dev.warmgate.cli.OutputOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A layer of quantised experts in stock ONNX Runtime and in Warmgate, side by side. */
@Command(
    name = "qmoe",
    mixinStandardHelpOptions = true,
    description =
        "Times one layer of int4 experts (QMoE) in stock ONNX Runtime's configurations and in"
            + " Warmgate's precisions, each in a process of its own, and prints the ratios.")
public final class QuantisedCommand implements Callable<Integer> {
  /** ONNX Runtime's switch for its faster kernel; read from the environment. */
  private static final String FAST_KERNEL = "ORT_USE_MLAS_Q4_GEMM_MOE";

  private static final String NO_PREPACKING = "session.disable_prepacking";

  @Option(
      names = "--shapes",
      split = ",",
      paramLabel = "HxI",
      defaultValue = "2048x768,1024x512",
      description = "Hidden and inner sizes (${DEFAULT-VALUE}).")
  private List<String> shapes;

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
   * @param environment of its process, beside what is inherited
   * @param warmgate session options; null runs without it
   */
  private record Engine(
      String name,
      Map<String, String> environment,
      Map<String, String> session,
      Map<String, String> warmgate) {
    boolean stock() {
      return warmgate == null;
    }
  }

  private static final List<Engine> ENGINES =
      List.of(
          new Engine("stock", Map.of(), Map.of(), null),
          new Engine("stock, no prepacking", Map.of(), Map.of(NO_PREPACKING, "1"), null),
          new Engine("stock, its faster kernel", Map.of(FAST_KERNEL, "1"), Map.of(), null),
          new Engine("exact", Map.of(), Map.of(), warmgate("exact")),
          new Engine("fast", Map.of(), Map.of(), warmgate("fast")));

  private static Map<String, String> warmgate(String precision) {
    return Map.of("expert_memory", "100%", "precision", precision, "warm_start", "off");
  }

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
    if (threads < 1 || tokens.stream().anyMatch(n -> n < 1) || !(seconds > 0)) {
      throw new IllegalArgumentException("--threads, --tokens and --seconds must be above 0");
    }
    List<LayerShape> layers =
        shapes.stream().map(text -> LayerShape.parse(text, experts, topK)).toList();
    JsonArray results = new JsonArray();
    Path folder = Files.createTempDirectory("warmgate-qmoe-");
    try {
      for (LayerShape layer : layers) {
        Path model = folder.resolve("layer.onnx");
        LayerWriter.write(model, layer);
        Map<Engine, Measured> measured = new LinkedHashMap<>();
        for (Engine engine : ENGINES) {
          err.printf("%s: %s%n", layer, engine.name);
          measured.put(engine, run(engine, model, layer));
        }
        results.add(report(layer, measured, model));
      }
    } finally {
      delete(folder);
    }
    if (output.json()) {
      JsonObject whole = new JsonObject();
      whole.addProperty("threads", threads);
      whole.add("layers", results);
      out.println(whole);
    }
    return 0;
  }

  private Measured run(Engine engine, Path model, LayerShape layer)
      throws IOException, InterruptedException {
    List<Integer> largestFirst = tokens.stream().sorted(Comparator.reverseOrder()).toList();
    Task task =
        new Task(
            model.toString(),
            outputs(model, engine).toString(),
            layer,
            engine.session,
            engine.warmgate,
            threads,
            largestFirst,
            seconds);
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Worker.class.getName(),
            task.json());
    builder.environment().putAll(engine.environment);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process process = builder.start();
    try {
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IOException("%s, %s: failed, see above".formatted(layer, engine.name));
      }
      return new Gson().fromJson(said, Measured.class);
    } finally {
      process.destroyForcibly();
    }
  }

  private JsonObject report(LayerShape layer, Map<Engine, Measured> measured, Path model)
      throws IOException {
    List<Integer> sizes = tokens.stream().sorted(Comparator.reverseOrder()).toList();
    JsonObject result = new JsonObject();
    result.addProperty("hidden", layer.hidden());
    result.addProperty("inner", layer.inner());
    JsonArray rows = new JsonArray();
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%n%s, %d experts, top %d, int4 in blocks of %d: %d MB; %d threads%n%-26s",
            layer,
            layer.experts(),
            layer.topK(),
            LayerShape.BLOCK,
            layer.bytes() / 1_000_000,
            threads,
            ""));
    sizes.forEach(size -> text.append(String.format(Locale.ROOT, "%22s", size + " tokens, ms")));
    text.append("   create, ms   memory then, MB\n");
    for (Map.Entry<Engine, Measured> entry : measured.entrySet()) {
      Engine engine = entry.getKey();
      Measured own = entry.getValue();
      JsonObject row = new JsonObject();
      row.addProperty("engine", engine.name);
      text.append(String.format(Locale.ROOT, "%-26s", engine.name));
      JsonArray millis = new JsonArray();
      JsonArray ratios = new JsonArray();
      for (int i = 0; i < sizes.size(); i++) {
        double time = own.medianMillis().get(i);
        double best = bestStock(measured, i);
        millis.add(time);
        ratios.add(best / time);
        text.append(String.format(Locale.ROOT, "%12.3f (%6.2f x)", time, best / time));
      }
      row.add("tokens", new Gson().toJsonTree(sizes));
      row.add("median_ms", millis);
      row.add("times_best_stock", ratios);
      row.addProperty("create_ms", own.createMillis());
      row.addProperty("created_rss_bytes", own.createdBytes());
      double error = error(outputs(model, ENGINES.getFirst()), outputs(model, engine));
      row.addProperty("error_of_scale", error);
      text.append(
          String.format(
              Locale.ROOT,
              "%13.0f %17d   %s%n",
              own.createMillis(),
              own.createdBytes() / 1_000_000,
              engine.stock() ? "" : String.format(Locale.ROOT, "off by %.1e of scale", error)));
      rows.add(row);
    }
    result.add("engines", rows);
    if (!output.json()) {
      out.print(text);
    }
    return result;
  }

  private static double bestStock(Map<Engine, Measured> measured, int size) {
    return measured.entrySet().stream()
        .filter(entry -> entry.getKey().stock())
        .mapToDouble(entry -> entry.getValue().medianMillis().get(size))
        .min()
        .orElseThrow();
  }

  private static Path outputs(Path model, Engine engine) {
    return model.resolveSibling("outputs-" + ENGINES.indexOf(engine));
  }

  /** The largest difference, over the largest value expected. */
  private static double error(Path expected, Path actual) throws IOException {
    FloatBuffer reference = floats(expected);
    FloatBuffer values = floats(actual);
    double scale = 0;
    double error = 0;
    while (reference.hasRemaining()) {
      float value = reference.get();
      scale = Math.max(scale, Math.abs(value));
      error = Math.max(error, Math.abs(value - values.get()));
    }
    return error / scale;
  }

  private static FloatBuffer floats(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  private static void delete(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> found = Files.list(folder)) {
      found.forEach(files::add);
    }
    for (Path file : files) {
      Files.delete(file);
    }
    Files.delete(folder);
  }
}
