package dev.warmgate.cli;

import dev.warmgate.residency.eviction.Sharing;
import dev.warmgate.simulate.PolicyChoice;
import dev.warmgate.simulate.Prefetch;
import dev.warmgate.simulate.Simulation;
import dev.warmgate.simulate.Trace;
import dev.warmgate.simulate.TraceReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What caches would have done with a routing trace. */
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    description =
        "Replays a routing trace through caches: eviction policies over shares of resident"
            + " experts. Random, LRU and Belady's optimum are always beside what is asked for.")
final class SimulateCommand extends WarmgateCommand {
  /** Without them a hit rate means nothing: a trace may be easy or hard. */
  private static final List<String> YARDSTICKS = List.of("random", "lru", "belady");

  @Parameters(paramLabel = "TRACE", description = "The trace's files, without suffix.")
  private Path path;

  @Option(
      names = "--policy",
      paramLabel = "NAME",
      split = ",",
      defaultValue = "default,decayed-lfu",
      description =
          "default (what ships), learned, decayed-lfu, lru, lfu, least-stale, random, belady"
              + " (${DEFAULT-VALUE}).")
  private List<String> policies;

  @Option(
      names = "--resident",
      paramLabel = "SHARE",
      split = ",",
      defaultValue = "25%,50%,75%",
      description = "Which part of all experts has room (${DEFAULT-VALUE}).")
  private List<String> shares;

  @Option(
      names = "--prefetch",
      paramLabel = "BY",
      defaultValue = "none",
      description =
          "none, transition, or gate (needs logits in the trace); at most one expert is read ahead"
              + " after each layer (${DEFAULT-VALUE}).")
  private String prefetch;

  @Option(
      names = "--sharing",
      paramLabel = "HOW",
      description =
          "equal: each layer has its part of the slots; pool: all layers compete for them. By"
              + " default as the policy ships.")
  private String sharing;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draws hit rate over resident share into a .png or .svg file.")
  private Path plot;

  SimulateCommand(Console console) {
    super(console);
  }

  /** One line of the result. */
  private record Row(
      PolicyChoice choice, String share, Prefetch prefetch, Simulation.Result result) {}

  @Override
  public Integer call() throws IOException {
    Set<String> names = new LinkedHashSet<>(policies);
    int asked = names.size();
    names.addAll(YARDSTICKS);
    List<PolicyChoice> choices = names.stream().map(this::choice).toList();
    List<Double> parts = shares.stream().map(SimulateCommand::share).toList();
    Prefetch by = choice("--prefetch", Prefetch.values(), prefetch);
    Plotter plotter = plot == null ? null : Plotter.of("--plot", plot);
    Trace trace = TraceReader.read(path);
    List<Row> rows = new ArrayList<>();
    try (Progress progress =
        Progress.start(console(), "simulate", trace.tokens() * choices.size() * parts.size())) {
      for (PolicyChoice choice : choices) {
        // Those that are only beside show what can be had without.
        Prefetch own =
            rows.size() < asked * parts.size() && !choice.clairvoyant() ? by : Prefetch.NONE;
        for (int i = 0; i < parts.size(); i++) {
          Simulation simulation = new Simulation(choice, parts.get(i), own);
          rows.add(new Row(choice, shares.get(i), own, simulation.run(trace, progress::step)));
        }
      }
    }
    if (json()) {
      print(
          Json.object(
              "trace", path,
              "model", trace.header().model(),
              "tokens", trace.tokens(),
              "results", rows.stream().map(SimulateCommand::json).toList()));
    } else {
      print(trace, rows);
    }
    if (plotter != null) { // Last: what was found isn't lost with the picture.
      plotter.save(plot(trace, rows, parts), plot);
    }
    return Main.DONE;
  }

  private PolicyChoice choice(String name) {
    PolicyChoice choice;
    try {
      choice = PolicyChoice.of(name.strip());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("--policy: " + e.getMessage(), e);
    }
    return sharing == null ? choice : choice.with(choice("--sharing", Sharing.values(), sharing));
  }

  private static <E extends Enum<E>> E choice(String option, E[] values, String given) {
    List<String> names = new ArrayList<>();
    for (E value : values) {
      String name = value.name().toLowerCase(Locale.ROOT);
      if (name.equals(given)) {
        return value;
      }
      names.add(name);
    }
    throw new IllegalArgumentException(
        "%s: '%s' is not one of %s".formatted(option, given, String.join(", ", names)));
  }

  private static double share(String given) {
    if (given.matches("\\d{1,3}(\\.\\d{1,9})?%")) {
      double share = Double.parseDouble(given.substring(0, given.length() - 1)) / 100;
      if (share > 0 && share <= 1) {
        return share;
      }
    }
    throw new IllegalArgumentException(
        "--resident: '%s' is not a share like 25%%, above 0%% and at most 100%%".formatted(given));
  }

  private static LinePlot plot(Trace trace, List<Row> rows, List<Double> parts) {
    List<LinePlot.Line> lines = new ArrayList<>();
    for (int i = 0; i < rows.size(); i += parts.size()) {
      List<Row> line = rows.subList(i, i + parts.size());
      lines.add(
          new LinePlot.Line(
              name(line.getFirst()),
              parts,
              line.stream().map(row -> row.result.hitRate()).toList(),
              line.getFirst().choice.clairvoyant()));
    }
    return new LinePlot(
        "%s, %d tokens, top %d of %d"
            .formatted(
                trace.header().model(),
                trace.tokens(),
                trace.header().topK(),
                trace.header().experts()),
        "resident share of experts",
        "hit rate",
        lines);
  }

  private static String name(Row row) {
    return row.prefetch == Prefetch.NONE
        ? row.choice.id()
        : row.choice.id() + " + " + row.prefetch.id();
  }

  private static Object json(Row row) {
    return Json.object(
        "policy", row.choice.id(),
        "resident", row.share,
        "hit_rate", row.result.hitRate(),
        "loads", row.result.loads(),
        "prefetch_used", row.result.prefetchUsed(),
        "prefetch_wasted", row.result.prefetchWasted(),
        "prefetch", row.prefetch.id(),
        "sharing", row.choice.sharing().name().toLowerCase(Locale.ROOT));
  }

  private void print(Trace trace, List<Row> rows) {
    console()
        .out()
        .printf(
            "%s: %s, %s, top %d of %d%n",
            trace.header().model(),
            Texts.count(trace.tokens(), "token"),
            Texts.count(trace.header().layers(), "layer"),
            trace.header().topK(),
            trace.header().experts());
    TextTable table =
        TextTable.ofNumbers()
            .row(
                "policy",
                "sharing",
                "resident",
                "hit rate",
                "loads/token",
                "ahead: used",
                "wasted");
    for (Row row : rows) {
      table.row(
          name(row),
          row.choice.sharing().name().toLowerCase(Locale.ROOT),
          row.share,
          Texts.percent(row.result.hitRate()),
          Texts.number((double) row.result.loads() / trace.tokens(), 2),
          Long.toString(row.result.prefetchUsed()),
          Long.toString(row.result.prefetchWasted()));
    }
    console().out().print(table);
  }
}
