package dev.warmgate.benchmarks.quantised;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.warmgate.benchmarks.quantised.LayerBenchmark.Pace;
import dev.warmgate.benchmarks.quantised.Task.Measured;
import java.util.List;
import java.util.Locale;

/**
 * What came of one layer's runs, as text and as JSON.
 *
 * @param layer that ran
 * @param pace of the runs
 * @param rows in the order of the runs
 */
record LayerReport(LayerShape layer, Pace pace, List<Row> rows) {
  LayerReport {
    rows = List.copyOf(rows);
  }

  /**
   * One engine.
   *
   * @param error of its outputs against the first engine's, of their scale; NaN where unknown
   */
  record Row(LayerEngine engine, Measured measured, double error) {}

  /** A table. */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%n%s, %d experts, top %d, %s: %.1f MB; %d threads%n%-26s",
            layer,
            layer.experts(),
            layer.topK(),
            layer.weights().description(),
            layer.bytes() / 1e6,
            pace.threads(),
            ""));
    for (int size : pace.tokens()) {
      text.append(String.format(Locale.ROOT, "%22s", size + " tokens, ms"));
    }
    text.append("   create, ms   memory then, MB\n");
    rows.forEach(row -> text.append(line(row)));
    return text.toString();
  }

  private String line(Row row) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-26s", row.engine.name()));
    for (int size = 0; size < pace.tokens().size(); size++) {
      double millis = row.measured.medianMillis().get(size);
      line.append(String.format(Locale.ROOT, "%12.3f (%6.2f x)", millis, timesStock(row, size)));
    }
    return line.append(
            String.format(
                Locale.ROOT,
                "%13.0f %17d   %s%n",
                row.measured.createMillis(),
                row.measured.createdBytes() / 1_000_000,
                row.engine.stock()
                    ? ""
                    : String.format(Locale.ROOT, "off by %.1e of scale", row.error)))
        .toString();
  }

  /** How many times as fast as the fastest stock configuration, for one of the sizes. */
  private double timesStock(Row row, int size) {
    double best =
        rows.stream()
            .filter(other -> other.engine.stock())
            .mapToDouble(other -> other.measured.medianMillis().get(size))
            .min()
            .orElseThrow();
    return best / row.measured.medianMillis().get(size);
  }

  /** One object: what {@link #text} has. */
  JsonObject json() {
    JsonObject result = new JsonObject();
    result.addProperty("hidden", layer.hidden());
    result.addProperty("inner", layer.inner());
    result.addProperty("weights", layer.weights().option());
    JsonArray engines = new JsonArray();
    rows.forEach(row -> engines.add(json(row)));
    result.add("engines", engines);
    return result;
  }

  private JsonObject json(Row row) {
    JsonArray tokens = new JsonArray();
    JsonArray millis = new JsonArray();
    JsonArray ratios = new JsonArray();
    for (int size = 0; size < pace.tokens().size(); size++) {
      tokens.add(pace.tokens().get(size));
      millis.add(row.measured.medianMillis().get(size));
      ratios.add(timesStock(row, size));
    }
    JsonObject object = new JsonObject();
    object.addProperty("engine", row.engine.name());
    object.add("tokens", tokens);
    object.add("median_ms", millis);
    object.add("times_best_stock", ratios);
    object.addProperty("create_ms", row.measured.createMillis());
    object.addProperty("created_rss_bytes", row.measured.createdBytes());
    object.addProperty("error_of_scale", Double.isFinite(row.error) ? (Number) row.error : null);
    return object;
  }
}
