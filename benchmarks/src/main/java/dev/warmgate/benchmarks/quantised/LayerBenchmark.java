package dev.warmgate.benchmarks.quantised;

import dev.warmgate.benchmarks.ErrorOfScale;
import dev.warmgate.benchmarks.WorkerProcess;
import dev.warmgate.benchmarks.WorkerProcess.Ended;
import dev.warmgate.benchmarks.quantised.LayerReport.Row;
import dev.warmgate.benchmarks.quantised.Task.Measured;
import dev.warmgate.cli.CommandFailure;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** All engines on one layer, one process after the other. */
final class LayerBenchmark {
  /** The largest layer in the slowest engine takes minutes. */
  private static final Duration PATIENCE = Duration.ofDays(1);

  private final Path folder;
  private final Pace pace;
  private final PrintStream progress;

  /**
   * What is timed, and for how long.
   *
   * @param threads that compute
   * @param tokens sizes of batches, the largest first
   * @param seconds for each size, about
   */
  record Pace(int threads, List<Integer> tokens, double seconds) {
    Pace {
      tokens = List.copyOf(tokens);
    }
  }

  /**
   * @param folder for the layer's files
   * @param progress is told each run
   */
  LayerBenchmark(Path folder, Pace pace, PrintStream progress) {
    this.folder = folder;
    this.pace = pace;
    this.progress = progress;
  }

  /**
   * Writes a layer and runs its engines.
   *
   * @throws CommandFailure in one line that names the engine, if one fails or its outputs can't be
   *     compared with those of the first
   * @throws IOException if the layer's files can't be written
   */
  LayerReport run(LayerShape layer) throws IOException, InterruptedException {
    Path model = folder.resolve("layer.onnx");
    LayerWriter.write(model, layer);
    Path reference = folder.resolve("outputs-reference");
    List<Row> rows = new ArrayList<>();
    for (LayerEngine engine : LayerEngine.all(layer.weights())) {
      progress.printf("%s: %s%n", layer, engine.name());
      Path outputs = rows.isEmpty() ? reference : folder.resolve("outputs");
      Measured measured = run(layer, engine, model, outputs);
      rows.add(new Row(engine, measured, error(layer, engine, reference, outputs)));
    }
    return new LayerReport(layer, pace, rows);
  }

  private Measured run(LayerShape layer, LayerEngine engine, Path model, Path outputs)
      throws IOException, InterruptedException {
    Task task =
        new Task(
            model.toString(),
            outputs.toString(),
            layer,
            engine.session(),
            engine.warmgate().orElse(null),
            pace.threads,
            pace.tokens,
            pace.seconds);
    ProcessBuilder builder =
        new ProcessBuilder(WorkerProcess.command(Worker.class, List.of(), task));
    builder.environment().putAll(engine.environment());
    Process process = builder.start();
    try {
      Ended ended = WorkerProcess.await(process, PATIENCE).orElseThrow();
      if (ended.exitCode() != 0) {
        throw failed(layer, engine, ended.reason());
      }
      return ended.measured(Measured.class);
    } finally {
      process.destroyForcibly();
    }
  }

  /** How far an engine's outputs are from the reference's, of their scale. */
  static double error(LayerShape layer, LayerEngine engine, Path reference, Path outputs)
      throws IOException {
    return ErrorOfScale.between(reference, outputs)
        .orElseThrow(
            () -> failed(layer, engine, "its outputs can't be compared: not as many as stock's"));
  }

  private static CommandFailure failed(LayerShape layer, LayerEngine engine, String reason) {
    return new CommandFailure("%s, %s: %s".formatted(layer, engine.name(), reason));
  }
}
