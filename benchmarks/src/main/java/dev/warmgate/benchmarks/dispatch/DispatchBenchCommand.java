package dev.warmgate.benchmarks.dispatch;

import dev.warmgate.benchmarks.ChartFile;
import dev.warmgate.cli.OutputOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Dispatch under capacity over the published settings. */
@Command(
    name = "dispatch-bench",
    mixinStandardHelpOptions = true,
    description =
        "Compares ways to give each row of a batch its targets when these take only so many: how"
            + " much survives, whether load follows capacity, how much of the gate is kept, and the"
            + " time on one thread.")
public final class DispatchBenchCommand implements Callable<Integer> {
  private static final int PLOTTED = 2;
  private static final int WARM_UPS = 20;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "20",
      description =
          "How many workloads of each setting, the published one first (${DEFAULT-VALUE}).")
  private int seeds;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draws capacity against load into a .png or .svg file.")
  private Path plot;

  @Mixin private OutputOptions output;

  private final PrintStream out;
  private final PrintStream err;

  /**
   * The command for one run.
   *
   * @param out gets the result
   * @param err gets progress
   */
  public DispatchBenchCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    if (seeds < 1) {
      throw new IllegalArgumentException("--seeds " + seeds + " is below 1");
    }
    if (plot != null && !ChartFile.writes(plot)) {
      throw new IllegalArgumentException("--plot " + plot + ": not a .png or .svg file");
    }
    int largest = Setting.PUBLISHED.stream().mapToInt(Setting::size).max().orElseThrow();
    float[] logits = new float[largest * largest];
    if (plot != null) {
      Setting setting = Setting.PUBLISHED.get(PLOTTED);
      new DispatchPlot(new Workload(setting, Workload.PUBLISHED_SEED, logits)).save(plot);
    }
    warmUp(logits);
    Map<Setting, Map<Method, List<Outcome>>> outcomes = new LinkedHashMap<>();
    for (Setting setting : Setting.PUBLISHED) {
      err.printf("%s, workloads: %d%n", setting, seeds);
      outcomes.put(setting, measure(setting, logits));
    }
    DispatchReport report = new DispatchReport(seeds, outcomes);
    if (output.json()) {
      out.println(report.json());
    } else {
      out.print(report.text());
    }
    return 0;
  }

  /** Lets the compiler see each method, so that the first setting's times are not slower. */
  private static void warmUp(float[] logits) {
    Workload workload = new Workload(Setting.PUBLISHED.getFirst(), Workload.PUBLISHED_SEED, logits);
    Gate gate = new Gate(workload);
    for (Method method : Method.values()) {
      for (int i = 0; i < WARM_UPS; i++) {
        Outcome.measure(method, workload, gate);
      }
    }
  }

  private Map<Method, List<Outcome>> measure(Setting setting, float[] logits) {
    Map<Method, List<Outcome>> outcomes = new EnumMap<>(Method.class);
    for (int i = 0; i < seeds; i++) {
      Workload workload = new Workload(setting, Workload.PUBLISHED_SEED + i, logits);
      Gate gate = new Gate(workload);
      for (Method method : Method.values()) {
        outcomes
            .computeIfAbsent(method, any -> new ArrayList<>())
            .add(Outcome.measure(method, workload, gate));
      }
    }
    return outcomes;
  }
}
