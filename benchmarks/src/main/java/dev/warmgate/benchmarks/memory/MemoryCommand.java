package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.GeneratedModel;
import dev.warmgate.benchmarks.WorkFolder;
import dev.warmgate.benchmarks.memory.BoundedProcess.Outcome;
import dev.warmgate.benchmarks.memory.MemoryBenchmark.Pace;
import dev.warmgate.cli.OutputOptions;
import dev.warmgate.config.MemoryBudget;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.simulate.Trace;
import dev.warmgate.simulate.TraceReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A model larger than memory: Warmgate beside ONNX Runtime, each under the same limit. */
@Command(
    name = "memory",
    mixinStandardHelpOptions = true,
    description =
        "Generates a model of experts, runs it token by token in processes whose memory a control"
            + " group bounds, page cache included: ONNX Runtime alone, and with Warmgate. Needs"
            + " root.")
public final class MemoryCommand implements Callable<Integer> {
  private static final long SEED = 7;
  private static final Path CONTROL_GROUPS = Path.of("/sys/fs/cgroup");
  private static final long LEAST_BYTES = 1 << 20;
  private static final long DISK_BYTES = 1L << 30;
  private static final int WHOLE = 100;
  private static final int EXPERTS = 64;
  private static final int TOP_K = 8;

  @Option(
      names = "--limits",
      paramLabel = "PERCENT",
      split = ",",
      defaultValue = "100,60,40,25",
      description =
          "Limits of a whole process, of the experts' bytes (${DEFAULT-VALUE}); at 100 and above,"
              + " what a process takes beside them is added.")
  private int[] limits;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      defaultValue = "2g",
      description = "Bytes of all experts (${DEFAULT-VALUE}).")
  private String size;

  @Option(
      names = "--trace",
      paramLabel = "TRACE",
      description = "A routing trace to replay, a path without suffix; else one is made up.")
  private Path trace;

  @Option(
      names = "--layers",
      paramLabel = "N",
      defaultValue = "12",
      description = "Layers with experts, at most (${DEFAULT-VALUE}).")
  private int layers;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "400",
      description = "Tokens timed, at most (${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "200",
      description = "Tokens before the clock starts, at most (${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "20",
      description = "Seconds after which warming up ends, and timing too (${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute, in all engines (all processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--lambda",
      paramLabel = "L",
      defaultValue = "0.1",
      description = "Of cache-prior (${DEFAULT-VALUE}).")
  private String lambda;

  @Option(
      names = "--engines",
      paramLabel = "NAME",
      split = ";",
      description = "Only engines whose names begin so; separated by semicolons.")
  private String[] engines = {""};

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description = "A session option of Warmgate, for all its runs.")
  private Map<String, String> options = Map.of();

  @Option(
      names = "--work-dir",
      paramLabel = "DIR",
      description = "Where the model is written, and kept; else a temporary folder.")
  private Path workDir;

  @Option(
      names = "--read-ahead",
      paramLabel = "KIB",
      description =
          "What Linux reads ahead of a page fault, set for the whole machine while the benchmark"
              + " runs (as it is).")
  private Integer readAhead;

  @Mixin private OutputOptions output;

  private final PrintStream out;
  private final PrintStream err;

  /**
   * The command for one run.
   *
   * @param out gets the result
   * @param err gets progress
   */
  public MemoryCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    long bytes = check();
    // Before the model is written, which takes a while.
    ControlGroup.create(CONTROL_GROUPS, "warmgate-bench-probe", LEAST_BYTES).close();
    try (WorkFolder folder = WorkFolder.open(workDir)) {
      MemoryReport report = measure(folder, bytes);
      if (output.json()) {
        out.println(report.json());
      } else {
        out.print(report.text());
      }
    }
    return 0;
  }

  /** Returns the bytes of all experts. */
  private long check() {
    least("--layers", layers, 1);
    least("--tokens", tokens, 1);
    least("--warm-up", warmUp, 1);
    least("--seconds", seconds, 1);
    least("--threads", threads, 1);
    least("--read-ahead", readAhead == null ? 0 : readAhead, 0);
    for (int limit : limits) {
      least("--limits", limit, 1);
    }
    WarmgateOptions.parse(options);
    WarmgateOptions.parse(Map.of("routing", "cache-prior", "routing.lambda", lambda));
    if (MemoryBudget.parse(size) instanceof MemoryBudget.Bytes(long bytes)
        && bytes >= LEAST_BYTES) {
      return bytes;
    }
    throw new IllegalArgumentException("--size " + size + " is not a size of 1m or more");
  }

  private static void least(String option, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(option + " " + value + " is below " + least);
    }
  }

  private MemoryReport measure(WorkFolder folder, long bytes) throws IOException {
    Routes routes = routes();
    DecoderShape shape =
        DecoderShape.ofBytes(routes.layers(), routes.experts(), routes.topK(), bytes);
    Path model =
        DecoderFile.in(
            folder,
            shape,
            SEED,
            layer -> err.printf("writing the model, layer %d of %d%n", layer + 1, shape.layers()));
    double disk = DiskSpeed.bytesPerSecond(GeneratedModel.dataFile(model), DISK_BYTES);
    MemoryBenchmark benchmark =
        new MemoryBenchmark(
            model,
            folder.path(),
            shape,
            routes,
            new Pace(threads, warmUp, tokens, seconds, seconds, SEED),
            new BoundedProcess(CONTROL_GROUPS),
            err);
    try (ReadAhead ahead = ReadAhead.of(GeneratedModel.dataFile(model))) {
      if (readAhead != null) {
        ahead.set(readAhead);
      }
      return measure(benchmark, shape, disk, ahead.kib());
    }
  }

  private MemoryReport measure(
      MemoryBenchmark benchmark, DecoderShape shape, double disk, long readAheadKib)
      throws IOException {
    long overhead = benchmark.overhead();
    List<Row> rows = new ArrayList<>();
    List<Bound> bounds = new ArrayList<>();
    Map<String, Double> errors = new LinkedHashMap<>();
    for (int percent : limits) {
      long limit = shape.bytes() / WHOLE * percent + (percent < WHOLE ? 0 : overhead);
      List<Row> ran = new ArrayList<>();
      for (EngineSetup engine : chosen()) {
        ran.add(benchmark.run(engine, percent, limit, overhead));
      }
      rows.addAll(ran);
      ran.stream()
          .filter(row -> row.engine().name().equals(MemoryBenchmark.LOSSLESS))
          .filter(row -> row.outcome() instanceof Outcome.Ran)
          .map(row -> benchmark.bound(row, disk))
          .forEach(bounds::add);
      compare(benchmark, ran, errors);
    }
    return new MemoryReport(shape, routing(), overhead, disk, readAheadKib, rows, bounds, errors);
  }

  private List<EngineSetup> chosen() {
    return Stream.concat(
            MemoryBenchmark.stock().stream(), MemoryBenchmark.warmgate(lambda, options).stream())
        .filter(engine -> Arrays.stream(engines).anyMatch(engine.name()::startsWith))
        .toList();
  }

  /** Keeps the largest difference of each lossless engine from any stock one that ran. */
  private static void compare(MemoryBenchmark benchmark, List<Row> ran, Map<String, Double> errors)
      throws IOException {
    Optional<EngineSetup> stock =
        ran.stream()
            .filter(row -> row.outcome() instanceof Outcome.Ran)
            .map(Row::engine)
            .filter(engine -> engine.warmgate().isEmpty())
            .findFirst();
    if (stock.isEmpty()) {
      return;
    }
    for (Row row : ran) {
      if (row.engine().name().startsWith(MemoryBenchmark.LOSSLESS)
          && row.outcome() instanceof Outcome.Ran) {
        errors.merge(row.engine().name(), benchmark.error(stock.get(), row.engine()), Math::max);
      }
    }
  }

  private Routes routes() throws IOException {
    int all = warmUp + tokens;
    if (trace == null) {
      return MadeUpRoutes.of(layers, EXPERTS, TOP_K, all, SEED);
    }
    Trace recorded = TraceReader.read(trace);
    if (recorded.tokens() < all) {
      throw new IOException(
          "%s: has %d tokens, fewer than --warm-up and --tokens ask for: %d"
              .formatted(trace, recorded.tokens(), all));
    }
    return TraceRoutes.of(recorded, layers, all, SEED);
  }

  private String routing() {
    return trace == null ? "made up" : "as in " + trace.getFileName();
  }
}
