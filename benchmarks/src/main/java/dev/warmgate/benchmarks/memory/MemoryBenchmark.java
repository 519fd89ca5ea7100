package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.ErrorOfScale;
import dev.warmgate.benchmarks.GeneratedModel;
import dev.warmgate.benchmarks.Sessions;
import dev.warmgate.benchmarks.memory.BoundedProcess.Outcome;
import dev.warmgate.config.WarmgateOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** All engines under all limits, one process after the other. */
final class MemoryBenchmark {
  static final String STOCK = "stock";
  static final String LOSSLESS = "lossless";

  /** Beyond what was seen to be needed beside the slots. */
  private static final long MARGIN = 16 << 20;

  private static final long ROOMY = 1L << 30;
  private static final int COMPARED = 8;

  private final Path model;
  private final Path folder;
  private final DecoderShape shape;
  private final Routes routes;
  private final Pace pace;
  private final BoundedProcess processes;
  private final PrintStream progress;

  /**
   * How long a run is.
   *
   * @param threads that compute
   * @param warmUp tokens before the clock starts, at most
   * @param tokens timed, at most
   * @param warmUpSeconds at most
   * @param seconds at most
   * @param seed of the model
   */
  record Pace(
      int threads, int warmUp, int tokens, double warmUpSeconds, double seconds, long seed) {}

  /**
   * @param folder for small files
   * @param progress is told each run
   */
  MemoryBenchmark(
      Path model,
      Path folder,
      DecoderShape shape,
      Routes routes,
      Pace pace,
      BoundedProcess processes,
      PrintStream progress)
      throws IOException {
    this.model = model;
    this.folder = folder;
    this.shape = shape;
    this.routes = routes;
    this.pace = pace;
    this.processes = processes;
    this.progress = progress;
    routes.save(folder.resolve("routes"));
  }

  /** ONNX Runtime as it is, in the configurations that may be its best. */
  static List<EngineSetup> stock() {
    return List.of(
        new EngineSetup(STOCK, Map.of(), Optional.empty()),
        new EngineSetup(STOCK + ", no prepacking", Sessions.NO_PREPACKING, Optional.empty()));
  }

  /**
   * Warmgate as it ships, without prefetching, and with bounded-loss routing. No run may know of
   * the one before.
   */
  static List<EngineSetup> warmgate(String lambda, Map<String, String> more) {
    Map<String, String> base = new HashMap<>(Map.of("warm_start", "off"));
    base.putAll(more);
    base.keySet().retainAll(WarmgateOptions.names());
    Map<String, String> plain = new HashMap<>(base);
    plain.put("prefetch", "off");
    Map<String, String> prior = new HashMap<>(base);
    prior.putAll(Map.of("routing", "cache-prior", "routing.lambda", lambda));
    return List.of(
        new EngineSetup(LOSSLESS, Map.of(), Optional.of(base)),
        new EngineSetup(LOSSLESS + ", no prefetch", Map.of(), Optional.of(plain)),
        new EngineSetup("cache-prior", Map.of(), Optional.of(prior)));
  }

  /**
   * What a process takes beside its slots: seen in a run with few of them, and some more.
   *
   * @throws IOException if that run fails
   */
  long overhead() throws IOException {
    long slots = 2L * shape.topK() * shape.expertBytes();
    var engine = new EngineSetup(LOSSLESS, Map.of(), warmgate("0", Map.of()).get(0).warmgate());
    Pace brief = new Pace(pace.threads, COMPARED, COMPARED, 60, 60, pace.seed);
    Outcome outcome = processes.run(task(engine, slots, brief), slots + ROOMY);
    return switch (outcome) {
      case Outcome.Ran ran -> ran.peakBytes() - slots + MARGIN;
      case Outcome.Failed failed -> throw new IOException("a first run failed: " + failed.reason());
    };
  }

  /** Runs an engine. */
  Row run(EngineSetup engine, int percent, long limitBytes, long overhead) throws IOException {
    dropPages();
    long slots = Math.min(limitBytes - overhead, shape.bytes());
    Row row =
        new Row(
            percent,
            limitBytes,
            engine,
            slots < shape.expertBytes() && engine.warmgate().isPresent()
                ? new Outcome.Failed("no room for an expert")
                : processes.run(task(engine, slots, pace), limitBytes));
    progress.printf(
        Locale.ROOT,
        "%d %%: %s: %s%n",
        percent,
        engine.name(),
        switch (row.outcome()) {
          case Outcome.Ran ran -> "%.1f tokens/s".formatted(ran.measured().tokensPerSecond());
          case Outcome.Failed failed -> failed.reason();
        });
    return row;
  }

  private Task task(EngineSetup engine, long slots, Pace pace) {
    Map<String, String> options =
        engine
            .warmgate()
            .map(
                given -> {
                  Map<String, String> all = new HashMap<>(given);
                  all.putIfAbsent("expert_memory", Long.toString(slots));
                  return all;
                })
            .orElse(null);
    return new Task(
        model.toString(),
        folder.resolve("routes").toString(),
        shape,
        pace.seed,
        engine.session(),
        options,
        pace.threads,
        pace.warmUp,
        pace.tokens,
        pace.warmUpSeconds,
        pace.seconds,
        COMPARED,
        outputs(engine).toString());
  }

  private Path outputs(EngineSetup engine) {
    return folder.resolve("outputs-" + engine.name().replaceAll("\\W+", "-"));
  }

  /** Lets the page cache forget the model: what an earlier process had there was paid by that. */
  private void dropPages() throws IOException {
    Path data = GeneratedModel.dataFile(model);
    Process process =
        new ProcessBuilder("dd", "if=" + data, "iflag=nocache", "count=0", "status=none")
            .redirectErrorStream(true)
            .start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException("dd can't drop pages of " + data + ": " + said);
    }
  }

  /**
   * The largest difference between what two engines said of the first tokens, over the largest
   * value of the first; NaN if they can't be compared.
   */
  double error(EngineSetup reference, EngineSetup engine) throws IOException {
    return ErrorOfScale.between(outputs(reference), outputs(engine)).orElse(Double.NaN);
  }

  /** What no engine can beat with the slots of a run, over the tokens of that run. */
  Bound bound(Row row, double diskBytesPerSecond) {
    Measured measured = ((Outcome.Ran) row.outcome()).measured();
    int slots = (int) (measured.slotBytes() / shape.expertBytes());
    long reads =
        new BeladyReads(routes)
            .count(slots, measured.firstToken(), measured.firstToken() + measured.tokens());
    double perToken = (double) reads * shape.expertBytes() / measured.tokens();
    return new Bound(row.percent(), slots, perToken, diskBytesPerSecond / perToken);
  }
}
