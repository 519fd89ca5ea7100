package dev.warmgate.benchmarks.pagein;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.warmgate.cli.OutputOptions;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.hwdetect.HardwareDetector;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.hwdetect.PlanRequest;
import dev.warmgate.hwdetect.Planner;
import dev.warmgate.kernels.Kernels;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** How fast experts come in, beside {@code dd}. */
@Command(
    name = "pagein",
    mixinStandardHelpOptions = true,
    description =
        "Pages all experts of a model in, or of any large file taken for experts, and reads the"
            + " same file with dd iflag=direct bs=1M, turn by turn.")
public final class PageInCommand implements Callable<Integer> {
  private static final long MIB = 1 << 20;

  @Parameters(
      paramLabel = "FILE|MODEL",
      description = "An ONNX model, a folder in GenAI's layout, or any file of 64 MB or more.")
  private Path target;

  @Option(
      names = "--expert-mib",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,4",
      description = "Sizes of experts that a plain file is taken for (${DEFAULT-VALUE}).")
  private int[] expertMib;

  @Option(
      names = "--runs",
      paramLabel = "N",
      defaultValue = "5",
      description = "Turns of each side (${DEFAULT-VALUE}).")
  private int runs;

  @Mixin private OutputOptions output;

  private final PrintStream out;
  private final PrintStream err;

  /**
   * The command for one run.
   *
   * @param out gets the result
   * @param err gets progress
   */
  public PageInCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /** Bytes a second of both sides: the median of all turns. */
  private record Outcome(PageIn pageIn, double ours, double dd) {
    /** How much of what dd reads comes in. */
    double ratio() {
      return ours / dd;
    }
  }

  @Override
  public Integer call() throws IOException {
    if (runs < 1) {
      throw new IllegalArgumentException("--runs " + runs + " is below 1");
    }
    if (!Files.exists(target)) {
      throw new IOException(target + ": no such file");
    }
    Path file = Files.isDirectory(target) ? GenAiConfig.read(target).model() : target;
    Plan plan =
        Planner.plan(
            HardwareDetector.detect(file.toAbsolutePath().getParent()),
            PlanRequest.none(),
            Kernels::availability);
    List<Outcome> outcomes = new ArrayList<>();
    for (PageIn pageIn : workloads(file)) {
      outcomes.add(measure(pageIn, plan));
    }
    if (output.json()) {
      out.println(json(outcomes, plan));
    } else {
      print(outcomes, plan);
    }
    return 0;
  }

  private List<PageIn> workloads(Path file) throws IOException {
    if (file.toString().endsWith(".onnx")) {
      return List.of(ModelLayers.of(file));
    }
    long bytes = Files.size(file);
    if (bytes < 64 * MIB) {
      throw new IOException(file + ": has " + bytes + " bytes; less than 64 MiB tell nothing");
    }
    return Arrays.stream(expertMib)
        .mapToObj(
            mib -> {
              if (mib < 1 || mib > 1024) {
                throw new IllegalArgumentException("--expert-mib " + mib + " is not in 1 to 1024");
              }
              return PageIn.ofFile(file.toAbsolutePath(), bytes, mib * MIB);
            })
        .toList();
  }

  private Outcome measure(PageIn pageIn, Plan plan) throws IOException {
    Path file = pageIn.layers().getFirst().tensors().getFirst().file();
    double[] ours = new double[runs];
    double[] dd = new double[runs];
    pageIn.bytesPerSecond(plan, -1); // lets the compiler see it
    for (int run = 0; run < runs; run++) {
      dd[run] = Dd.bytesPerSecond(file, Math.min(pageIn.bytes(), Files.size(file)));
      ours[run] = pageIn.bytesPerSecond(plan, run);
      err.printf(
          Locale.ROOT,
          "%s, turn %d: dd %.0f MB/s, page-in %.0f MB/s%n",
          pageIn.label(),
          run + 1,
          dd[run] / 1e6,
          ours[run] / 1e6);
    }
    return new Outcome(pageIn, median(ours), median(dd));
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private String json(List<Outcome> outcomes, Plan plan) {
    JsonArray results = new JsonArray();
    for (Outcome outcome : outcomes) {
      JsonObject result = new JsonObject();
      result.addProperty("experts", outcome.pageIn().label());
      result.addProperty("expert_bytes", outcome.pageIn().expertBytes());
      result.addProperty("bytes", outcome.pageIn().bytes());
      result.addProperty("pagein_bytes_per_s", Math.round(outcome.ours()));
      result.addProperty("dd_bytes_per_s", Math.round(outcome.dd()));
      result.addProperty("ratio", outcome.ratio());
      results.add(result);
    }
    JsonObject object = new JsonObject();
    object.addProperty("target", target.toString());
    object.addProperty("io_threads", plan.ioThreads());
    object.addProperty("read_bytes", plan.readBytes());
    object.addProperty("runs", runs);
    object.add("results", results);
    return object.toString();
  }

  private void print(List<Outcome> outcomes, Plan plan) {
    for (Outcome outcome : outcomes) {
      out.printf(
          Locale.ROOT,
          "%s, %d MB: page-in %.0f MB/s, dd %.0f MB/s: %.0f %%%n",
          outcome.pageIn().label(),
          outcome.pageIn().bytes() / 1_000_000,
          outcome.ours() / 1e6,
          outcome.dd() / 1e6,
          100 * outcome.ratio());
    }
    out.printf(
        "medians of %d turns; %d reading threads, %d bytes a read%n",
        runs, plan.ioThreads(), plan.readBytes());
  }
}
