package dev.warmgate.benchmarks.dispatch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The results of all settings, as text and as JSON.
 *
 * @param outcomes of each setting by method, one for each seed, the published seed first
 */
record DispatchReport(int seeds, Map<Setting, Map<Method, List<Outcome>>> outcomes) {
  private static final String LINE = "%-14s %9s %16s %16s %16s %18s%n";

  /** Tables: a line for each method. */
  String text() {
    StringBuilder text = new StringBuilder();
    outcomes.forEach(
        (setting, methods) -> {
          text.append(setting).append(", workloads: %d%n".formatted(seeds));
          text.append(
              LINE.formatted(
                  "method",
                  "seed %d".formatted(Workload.PUBLISHED_SEED),
                  "survival %",
                  "correlation",
                  "gate mass %",
                  "ms"));
          methods.forEach((method, results) -> text.append(line(method, results)));
          text.append('\n');
        });
    return text.toString();
  }

  /**
   * One object: {@code seeds}, {@code first_seed} and {@code settings[]}, each with {@code size},
   * {@code fan_out}, {@code headroom} and {@code methods[]}, each with {@code method} and, for
   * {@code survival_percent}, {@code correlation}, {@code gate_mass_percent} and {@code time_ms},
   * an object of {@code mean}, {@code stddev} and {@code published_seed}.
   */
  JsonObject json() {
    JsonArray settings = new JsonArray();
    outcomes.forEach(
        (setting, methods) -> {
          JsonObject object = new JsonObject();
          object.addProperty("size", setting.size());
          object.addProperty("fan_out", setting.fanOut());
          object.addProperty("headroom", setting.headroom());
          JsonArray array = new JsonArray();
          methods.forEach((method, results) -> array.add(json(method, results)));
          object.add("methods", array);
          settings.add(object);
        });
    JsonObject report = new JsonObject();
    report.addProperty("seeds", seeds);
    report.addProperty("first_seed", Workload.PUBLISHED_SEED);
    report.add("settings", settings);
    return report;
  }

  private static String line(Method method, List<Outcome> results) {
    return LINE.formatted(
        method.text(),
        String.format(Locale.ROOT, "%.2f", 100 * results.getFirst().survival()),
        Statistic.of(results, Outcome::survival).times(100).text(2),
        Statistic.of(results, Outcome::correlation).text(3),
        Statistic.of(results, Outcome::gateMass).times(100).text(1),
        Statistic.of(results, Outcome::millis).text(3));
  }

  private static JsonObject json(Method method, List<Outcome> results) {
    Outcome first = results.getFirst();
    JsonObject object = new JsonObject();
    object.addProperty("method", method.text());
    object.add(
        "survival_percent",
        json(Statistic.of(results, Outcome::survival).times(100), 100 * first.survival()));
    object.add(
        "correlation", json(Statistic.of(results, Outcome::correlation), first.correlation()));
    object.add(
        "gate_mass_percent",
        json(Statistic.of(results, Outcome::gateMass).times(100), 100 * first.gateMass()));
    object.add("time_ms", json(Statistic.of(results, Outcome::millis), first.millis()));
    return object;
  }

  private static JsonObject json(Statistic statistic, double publishedSeed) {
    JsonObject object = new JsonObject();
    object.addProperty("mean", statistic.mean());
    object.addProperty("stddev", statistic.deviation());
    object.addProperty("published_seed", publishedSeed);
    return object;
  }
}
