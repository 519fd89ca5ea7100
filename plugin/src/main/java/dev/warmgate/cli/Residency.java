package dev.warmgate.cli;

import com.google.gson.JsonObject;
import dev.warmgate.metrics.ControllerState;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Optional;

/** The residency counters in reports: one set of names everywhere. */
final class Residency {
  private Residency() {}

  /** Adds the counters; null where there is no plugin to count. */
  static void addTo(JsonObject report, Optional<ResidencyStats> stats) {
    // Nothing asked for is nothing counted: a run always asks.
    Optional<ResidencyStats> counted = stats.filter(s -> s.hits() + s.misses() > 0);
    report.add("hit_rate", Json.of(counted.map(ResidencyStats::hitRate)));
    report.add("bytes_read", Json.of(stats.map(ResidencyStats::bytesRead)));
    report.add("expert_memory_bytes", Json.of(stats.map(ResidencyStats::budgetBytes)));
    report.add("peak_slot_bytes", Json.of(stats.map(ResidencyStats::peakSlotBytes)));
    report.add("hits", Json.of(counted.map(ResidencyStats::hits)));
    report.add("misses", Json.of(counted.map(ResidencyStats::misses)));
    report.add("prefetches", Json.of(stats.map(ResidencyStats::prefetches)));
    report.add("prefetches_used", Json.of(stats.map(ResidencyStats::prefetchesUsed)));
    report.add("prefetches_late", Json.of(stats.map(ResidencyStats::prefetchesLate)));
    report.add("prefetches_wasted", Json.of(stats.map(ResidencyStats::prefetchesWasted)));
    report.add("loads", Json.of(stats.map(ResidencyStats::loads)));
    report.add("wait_ms", Json.of(stats.map(s -> s.waitNanos() / 1e6)));
  }

  /** Adds what a bounded-loss policy did, or nothing. */
  static void addTo(
      JsonObject report, String name, Optional<RoutingStats> stats, List<LayerStats> layers) {
    stats.ifPresent(
        s -> {
          JsonObject routing = json(s);
          routing.add("layers", Json.of(layers.stream().map(Residency::json).toList()));
          report.add(name, routing);
        });
  }

  private static JsonObject json(RoutingStats stats) {
    return Json.object(
        "agreement", stats.agreement(),
        "mass_kept", stats.massKept(),
        "hit_rate", stats.hitRate(),
        "lambda", stats.lambda());
  }

  /** A layer since its session was made; an adaptive one with what its controller sees now. */
  private static JsonObject json(LayerStats layer) {
    JsonObject json = Json.object("layer", layer.layer());
    json(layer.routing()).asMap().forEach(json::add);
    layer
        .controller()
        .ifPresent(
            state ->
                json.add(
                    "controller",
                    Json.object(
                        "lambda", state.lambda(),
                        "hit_rate", state.hitRate(),
                        "mass_kept", state.massKept(),
                        "periods", state.periods())));
    return json;
  }

  /** How the strengths of adaptive layers stand, for people; empty if none adapts. */
  static Optional<String> strengths(List<LayerStats> layers) {
    DoubleSummaryStatistics lambdas =
        layers.stream()
            .flatMap(layer -> layer.controller().stream())
            .mapToDouble(ControllerState::lambda)
            .summaryStatistics();
    return lambdas.getCount() == 0
        ? Optional.empty()
        : Optional.of(
            "lambda %s to %s by layer"
                .formatted(Texts.number(lambdas.getMin(), 3), Texts.number(lambdas.getMax(), 3)));
  }

  /** For people, in one line. */
  static String text(RoutingStats stats) {
    return "%s of the gate's choices and %s of their weight kept"
        .formatted(Texts.percent(stats.agreement()), Texts.percent(stats.massKept()));
  }

  /** For people, in one line. */
  static String text(ResidencyStats stats) {
    return "hit rate %s, %s of experts read, %s of %s for experts used"
        .formatted(
            stats.hits() + stats.misses() > 0 ? Texts.percent(stats.hitRate()) : "not counted",
            Texts.bytes(stats.bytesRead()),
            Texts.bytes(stats.peakSlotBytes()),
            Texts.bytes(stats.budgetBytes()));
  }
}
