package dev.warmgate.cli;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.kernels.Precision;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.WeightFormat;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A model with and without the plugin, compared on made-up inputs. */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    description = "Runs a model with and without Warmgate on equal inputs, compares all outputs.")
final class CheckCommand extends WarmgateCommand {
  /** Of an output's scale; what rounding in another order may cost. */
  private static final double EXACT = 1e-4;

  /** The same for outputs of fp16, whose last digit may differ. */
  private static final double HALF = 2e-3;

  /** What activations that are rounded to int8 may cost. */
  private static final double FAST = 3e-2;

  /** Ids are below this where nothing tells the size of the vocabulary. */
  private static final int UNKNOWN_VOCABULARY = 2;

  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or a folder in GenAI's layout.")
  private Path model;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens in an input (${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--past",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens in the key-value cache before them (${DEFAULT-VALUE}).")
  private int past;

  @Option(
      names = "--runs",
      paramLabel = "N",
      defaultValue = "3",
      description = "Runs, each with other inputs (${DEFAULT-VALUE}).")
  private int runs;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Equal seeds make equal inputs.")
  private long seed;

  @Option(
      names = "--precision",
      paramLabel = "exact|fast",
      description =
          "What quantised experts are multiplied by (exact, which compares all else most"
              + " closely; a session's default is fast).")
  private String precision;

  @Mixin private final EngineOptions options = new EngineOptions();

  CheckCommand(Console console) {
    super(console);
  }

  /**
   * One engine's part.
   *
   * @param outputs of each run
   * @param millis the median time of a run
   * @param stats the counters while the session was still open
   */
  private record Measured(
      List<Map<String, Outputs.Output>> outputs, double millis, Optional<ResidencyStats> stats) {}

  @Override
  public Integer call() throws IOException, OrtException {
    atLeast("--tokens", tokens, 1);
    atLeast("--past", past, 0);
    atLeast("--runs", runs, 1);
    if (precision != null) {
      options.set("precision", precision);
    }
    options.setDefault("precision", "exact");
    options.startCold();
    Engine stock = Engine.stock(options);
    Engine warmgate = Engine.warmgate(options);
    ModelFiles files = ModelFiles.of(model);
    ModelInspection inspection = InspectCommand.read(files.file());
    if (inspection.layers().isEmpty()) {
      throw InspectCommand.withoutLayers(model, inspection);
    }
    Measured reference;
    Measured actual;
    try (Progress progress = Progress.start(console(), "check", 2L * runs)) {
      reference = measure(stock, files, progress);
      actual = measure(warmgate, files, progress);
    }
    Map<String, OutputError> errors = compare(actual, reference);
    double tolerance = tolerance(inspection, reference);
    boolean pass = errors.values().stream().allMatch(error -> error.within(tolerance));
    ResidencyStats stats = actual.stats.orElseThrow();
    report(errors, tolerance, pass, stats, reference.millis, actual.millis);
    if (stats.hits() + stats.misses() == 0) {
      console()
          .err()
          .println("warmgate: " + model + ": no layer was taken over, all ran in ONNX Runtime");
    }
    if (!pass) {
      throw new CommandFailure(
          model + ": outputs differ by more than " + scientific(tolerance) + " of their scale");
    }
    return Main.DONE;
  }

  private double tolerance(ModelInspection inspection, Measured reference) {
    List<WeightFormat> formats = inspection.layers().stream().map(MoeLayer::format).toList();
    if (WarmgateOptions.parse(options.sessionOptions()).precision() == Precision.FAST
        && formats.stream().anyMatch(WeightFormat::quantised)) {
      return FAST;
    }
    boolean half =
        formats.stream()
                .anyMatch(
                    format ->
                        format.storage() == ElementType.FLOAT16
                            || format.biases().equals(Optional.of(ElementType.FLOAT16)))
            || reference.outputs.getFirst().values().stream()
                .anyMatch(output -> output.type() == OnnxJavaType.FLOAT16);
    return half ? HALF : EXACT;
  }

  private static void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(option + " must be at least " + least + ", not " + value);
    }
  }

  /** The sessions are opened one after the other, so that only one model is in memory. */
  private Measured measure(Engine engine, ModelFiles files, Progress progress)
      throws IOException, OrtException {
    List<Map<String, Outputs.Output>> outputs = new ArrayList<>();
    List<Long> nanos = new ArrayList<>();
    try (OrtSession session = engine.open(files.file())) {
      int vocabulary = vocabulary(files.config(), session);
      for (int run = 0; run < runs; run++) {
        Map<String, OnnxTensor> inputs =
            new RandomInputs(tokens, past, vocabulary, seed + run)
                .make(Engine.environment(), session.getInputInfo());
        long start = System.nanoTime();
        try (OrtSession.Result result = session.run(inputs)) {
          nanos.add(System.nanoTime() - start);
          outputs.add(Outputs.copy(result));
        } finally {
          inputs.values().forEach(OnnxTensor::close);
        }
        progress.step();
      }
      nanos.sort(null);
      return new Measured(outputs, nanos.get(nanos.size() / 2) / 1e6, engine.statistics());
    }
  }

  private static int vocabulary(Optional<GenAiConfig> config, OrtSession session)
      throws OrtException {
    if (config.isPresent()) {
      return config.get().vocabularySize();
    }
    NodeInfo logits = session.getOutputInfo().get("logits");
    if (logits != null
        && logits.getInfo() instanceof TensorInfo info
        && info.getShape().length > 0) {
      long last = info.getShape()[info.getShape().length - 1];
      return last > 0 && last <= Integer.MAX_VALUE ? (int) last : UNKNOWN_VOCABULARY;
    }
    return UNKNOWN_VOCABULARY;
  }

  private static Map<String, OutputError> compare(Measured actual, Measured reference) {
    Map<String, OutputError> errors = new LinkedHashMap<>();
    for (int run = 0; run < reference.outputs.size(); run++) {
      Map<String, Outputs.Output> ours = actual.outputs.get(run);
      reference
          .outputs
          .get(run)
          .forEach(
              (name, output) ->
                  errors.computeIfAbsent(name, n -> new OutputError()).add(ours.get(name), output));
    }
    return errors;
  }

  private void report(
      Map<String, OutputError> errors,
      double tolerance,
      boolean pass,
      ResidencyStats stats,
      double ortMillis,
      double warmgateMillis) {
    if (json()) {
      List<Object> outputs = new ArrayList<>();
      errors.forEach(
          (name, error) ->
              outputs.add(
                  Json.object(
                      "name", name,
                      "max_abs_error", error.maxAbsolute(),
                      "max_rel_error", error.maxRelative(),
                      "rms_error", error.rms(),
                      "mismatches", error.mismatches())));
      var report = Json.object("model", model, "outputs", outputs, "pass", pass);
      Residency.addTo(report, Optional.of(stats));
      report.addProperty("ort_ms", ortMillis);
      report.addProperty("warmgate_ms", warmgateMillis);
      print(report);
      return;
    }
    PrintStream out = console().out();
    TextTable table =
        TextTable.ofNumbers()
            .row("output", "max abs error", "max rel error", "rms error", "NaN or inf differs");
    errors.forEach(
        (name, error) ->
            table.row(
                name,
                scientific(error.maxAbsolute()),
                scientific(error.maxRelative()),
                scientific(error.rms()),
                Long.toString(error.mismatches())));
    out.print(table);
    out.printf(
        "%s; ONNX Runtime %s ms, Warmgate %s ms; %s%n",
        pass ? "equal within " + scientific(tolerance) + " of each output's scale" : "NOT EQUAL",
        Texts.number(ortMillis, 2),
        Texts.number(warmgateMillis, 2),
        Residency.text(stats));
  }

  private static String scientific(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.2e", value);
  }
}
