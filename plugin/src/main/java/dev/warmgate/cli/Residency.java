package dev.warmgate.cli;

import com.google.gson.JsonObject;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.util.Optional;

/** The residency counters in reports: one set of names everywhere. */
final class Residency {
  private Residency() {}

  /** Adds the counters; null where there is no plugin to count. */
  static void addTo(JsonObject report, Optional<ResidencyStats> stats) {
    report.add("hit_rate", Json.of(stats.map(ResidencyStats::hitRate)));
    report.add("bytes_read", Json.of(stats.map(ResidencyStats::bytesRead)));
    report.add("expert_memory_bytes", Json.of(stats.map(ResidencyStats::budgetBytes)));
    report.add("peak_slot_bytes", Json.of(stats.map(ResidencyStats::peakSlotBytes)));
    report.add("hits", Json.of(stats.map(ResidencyStats::hits)));
    report.add("misses", Json.of(stats.map(ResidencyStats::misses)));
    report.add("prefetches", Json.of(stats.map(ResidencyStats::prefetches)));
    report.add("prefetches_used", Json.of(stats.map(ResidencyStats::prefetchesUsed)));
    report.add("prefetches_late", Json.of(stats.map(ResidencyStats::prefetchesLate)));
    report.add("prefetches_wasted", Json.of(stats.map(ResidencyStats::prefetchesWasted)));
    report.add("loads", Json.of(stats.map(ResidencyStats::loads)));
    report.add("wait_ms", Json.of(stats.map(s -> s.waitNanos() / 1e6)));
  }

  /** Adds what a bounded-loss policy did, or nothing. */
  static void addTo(JsonObject report, String name, Optional<RoutingStats> stats) {
    stats.ifPresent(
        s ->
            report.add(
                name,
                Json.object(
                    "agreement", s.agreement(),
                    "mass_kept", s.massKept(),
                    "hit_rate", s.hitRate(),
                    "lambda", s.lambda())));
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
            Texts.percent(stats.hitRate()),
            Texts.bytes(stats.bytesRead()),
            Texts.bytes(stats.peakSlotBytes()),
            Texts.bytes(stats.budgetBytes()));
  }
}
