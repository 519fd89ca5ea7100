package dev.warmgate.benchmarks.memory;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.warmgate.benchmarks.memory.BoundedProcess.Outcome;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What came of all runs, as text and as JSON.
 *
 * @param shape the model's
 * @param routing where the routes are from
 * @param overheadBytes what a process takes beside its slots
 * @param diskBytesPerSecond what the disk gives at most
 * @param readAheadKib what Linux reads ahead of a page fault
 * @param rows in the order of the runs
 * @param bounds one for each limit under which Warmgate ran
 * @param errors by engine, against stock; of lossless ones only
 */
record MemoryReport(
    DecoderShape shape,
    String routing,
    long overheadBytes,
    double diskBytesPerSecond,
    long readAheadKib,
    List<Row> rows,
    List<Bound> bounds,
    Map<String, Double> errors) {
  private static final String LINE = "%6s  %-24s %9s %8s %9s %6s %7s %9s  %s%n";

  /** The stock configuration that was the fastest under a limit. */
  Optional<Row> bestStock(int percent) {
    return rows.stream()
        .filter(row -> row.percent() == percent && row.engine().warmgate().isEmpty())
        .filter(row -> row.outcome() instanceof Outcome.Ran)
        .max(Comparator.comparingDouble(Row::tokensPerSecond));
  }

  /** A table, and what it rests on. */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%d layers, top %d of %d experts of %.2f MB: %.2f GB; routing: %s%n"
                + "a process takes %.0f MB beside its slots; the disk reads %.0f MB/s,"
                + " and %d KiB ahead of a page fault%n%n",
            shape.layers(),
            shape.topK(),
            shape.experts(),
            shape.expertBytes() / 1e6,
            shape.bytes() / 1e9,
            routing,
            overheadBytes / 1e6,
            diskBytesPerSecond / 1e6,
            readAheadKib));
    text.append(
        LINE.formatted(
            "limit",
            "engine",
            "tokens/s",
            "x stock",
            "MB/token",
            "hit %",
            "wait %",
            "peak MB",
            ""));
    for (Row row : rows) {
      text.append(line(row));
    }
    for (Bound bound : bounds) {
      text.append(
          LINE.formatted(
              bound.percent() + " %",
              "limit, " + bound.slots() + " slots",
              number(bound.tokensPerSecond(), 1),
              "",
              number(bound.readPerToken() / 1e6, 1),
              "",
              "",
              "",
              "Belady's reads at the disk's speed"));
    }
    errors.forEach(
        (engine, error) ->
            text.append(
                String.format(
                    Locale.ROOT,
                    "%s: outputs differ from stock's by %.1e of their scale%n",
                    engine,
                    error)));
    return text.toString();
  }

  private String line(Row row) {
    String limit = row.percent() + " %";
    return switch (row.outcome()) {
      case Outcome.Failed failed ->
          LINE.formatted(limit, row.engine().name(), "-", "", "", "", "", "", failed.reason());
      case Outcome.Ran(Measured measured, long peak) ->
          LINE.formatted(
              limit,
              row.engine().name(),
              number(measured.tokensPerSecond(), 1),
              ratio(row).map(ratio -> number(ratio, 2)).orElse(""),
              number(measured.readPerToken() / 1e6, 1),
              Double.isNaN(measured.hitRate()) ? "" : number(100 * measured.hitRate(), 1),
              Double.isNaN(measured.hitRate())
                  ? ""
                  : number(100 * measured.waitSeconds() / measured.seconds(), 0),
              number(peak / 1e6, 0),
              note(row.engine(), measured));
    };
  }

  private static String note(EngineSetup engine, Measured measured) {
    if (engine.warmgate().isEmpty() || measured.loads() == 0) {
      return "";
    }
    String ahead =
        number(100.0 * measured.prefetches() / measured.loads(), 0) + " % of reads were ahead";
    return measured.massKept() < 1
        ? ahead
            + "; kept %s %% of choices, %s %% of mass"
                .formatted(
                    number(100 * measured.agreement(), 1), number(100 * measured.massKept(), 1))
        : ahead;
  }

  private Optional<Double> ratio(Row row) {
    return bestStock(row.percent()).map(stock -> row.tokensPerSecond() / stock.tokensPerSecond());
  }

  private static String number(double value, int decimals) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%." + decimals + "f", value) : "-";
  }

  /**
   * One object: what {@link #text} has; {@code rows[]} and {@code bounds[]} by limit. Null stands
   * for what is unknown or unbounded.
   */
  JsonObject json() {
    JsonObject report = new JsonObject();
    report.addProperty("layers", shape.layers());
    report.addProperty("experts", shape.experts());
    report.addProperty("top_k", shape.topK());
    report.addProperty("expert_bytes", shape.expertBytes());
    report.addProperty("model_bytes", shape.bytes());
    report.addProperty("routing", routing);
    report.addProperty("overhead_bytes", overheadBytes);
    report.addProperty("disk_bytes_per_s", Math.round(diskBytesPerSecond));
    report.addProperty("read_ahead_kib", readAheadKib);
    JsonArray array = new JsonArray();
    rows.forEach(row -> array.add(json(row)));
    report.add("rows", array);
    JsonArray limits = new JsonArray();
    for (Bound bound : bounds) {
      JsonObject object = new JsonObject();
      object.addProperty("limit_percent", bound.percent());
      object.addProperty("slots", bound.slots());
      add(object, "read_bytes_per_token", bound.readPerToken());
      add(object, "tokens_per_s", bound.tokensPerSecond());
      limits.add(object);
    }
    report.add("bounds", limits);
    JsonObject differences = new JsonObject();
    errors.forEach((engine, error) -> add(differences, engine, error));
    report.add("errors", differences);
    return report;
  }

  private JsonObject json(Row row) {
    JsonObject object = new JsonObject();
    object.addProperty("limit_percent", row.percent());
    object.addProperty("limit_bytes", row.limitBytes());
    object.addProperty("engine", row.engine().name());
    switch (row.outcome()) {
      case Outcome.Failed failed -> object.addProperty("failed", failed.reason());
      case Outcome.Ran(Measured measured, long peak) -> {
        object.addProperty("tokens", measured.tokens());
        add(object, "tokens_per_s", measured.tokensPerSecond());
        add(object, "times_stock", ratio(row).orElse(Double.NaN));
        add(object, "read_bytes_per_token", measured.readPerToken());
        add(object, "hit_rate", measured.hitRate());
        add(object, "wait_s", measured.waitSeconds());
        object.addProperty("loads", measured.loads());
        object.addProperty("prefetches", measured.prefetches());
        object.addProperty("slot_bytes", measured.slotBytes());
        add(object, "agreement", measured.agreement());
        add(object, "mass_kept", measured.massKept());
        object.addProperty("peak_rss_bytes", measured.peakRssBytes());
        object.addProperty("peak_bytes", peak);
      }
    }
    return object;
  }

  private static void add(JsonObject object, String name, double value) {
    object.addProperty(name, Double.isFinite(value) ? (Number) value : null);
  }
}
