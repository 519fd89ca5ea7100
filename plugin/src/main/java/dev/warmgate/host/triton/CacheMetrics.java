package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.metrics.ResidencyStats;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What the expert caches do, among Triton's own metrics: a metric of each kind for each model, and
 * the memory of the process. Thread-safe.
 *
 * <p>A core that was built without metrics, or runs with them off, has none of ours either.
 */
final class CacheMetrics implements AutoCloseable {
  private static final int COUNTER = 0;
  private static final int GAUGE = 1;

  /** What is shown of a model's caches. */
  private record Kind(
      String family, String help, int type, ToDoubleFunction<ResidencyStats> value) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(
              "hits_total", "Experts resident when asked for", COUNTER, s -> (double) s.hits()),
          new Kind("misses_total", "Experts waited for", COUNTER, s -> (double) s.misses()),
          new Kind("loads_total", "Experts read from disk", COUNTER, s -> (double) s.loads()),
          new Kind("read_bytes_total", "Bytes read", COUNTER, s -> (double) s.bytesRead()),
          new Kind(
              "wait_seconds_total",
              "Time that layers stood still for a read",
              COUNTER,
              s -> s.waitNanos() / 1e9),
          new Kind("hit_ratio", "Share of hits since loading", GAUGE, ResidencyStats::hitRate),
          new Kind("resident_bytes", "Slots in use", GAUGE, s -> (double) s.slotBytes()),
          new Kind(
              "resident_peak_bytes",
              "The most they ever were",
              GAUGE,
              s -> (double) s.peakSlotBytes()),
          new Kind("budget_bytes", "What slots may take", GAUGE, s -> (double) s.budgetBytes()));

  /** A model's metrics. */
  private record Shown(Path file, Map<Kind, Long> metrics, Map<Kind, Double> counted) {}

  private final WarmgateProvider provider;
  private final Map<Kind, Long> families = new LinkedHashMap<>();
  private final Map<Long, Shown> models = new HashMap<>();
  private long memoryFamily;
  private long memory;

  private CacheMetrics(WarmgateProvider provider) {
    this.provider = provider;
  }

  /** Makes the families; none if the core has no metrics. */
  static CacheMetrics create(WarmgateProvider provider) {
    CacheMetrics metrics = new CacheMetrics(provider);
    try {
      for (Kind kind : KINDS) {
        metrics.families.put(kind, family("warmgate_expert_" + kind.family, kind.help, kind.type));
      }
      metrics.memoryFamily =
          family("warmgate_native_bytes", "Native memory of Warmgate: slots and scratch", GAUGE);
      metrics.memory = Core.newMetric(metrics.memoryFamily, Map.of());
    } catch (TritonException e) {
      metrics.close();
    }
    return metrics;
  }

  private static long family(String name, String help, int type) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      Core.FAMILY_NEW.call(
          out, type, arena.allocateFrom(name).address(), arena.allocateFrom(help).address());
      return Native.pointer(out);
    }
  }

  /** Shows a model from now on. */
  synchronized void add(long model, String name, long version, Path file) {
    Map<String, String> labels = new LinkedHashMap<>();
    labels.put("model", name);
    labels.put("version", Long.toString(version));
    Shown shown = new Shown(file, new LinkedHashMap<>(), new LinkedHashMap<>());
    models.put(model, shown);
    families.forEach((kind, family) -> shown.metrics.put(kind, Core.newMetric(family, labels)));
    update();
  }

  /** Shows a model no longer. */
  synchronized void remove(long model) {
    Shown shown = models.remove(model);
    if (shown != null) {
      shown.metrics.values().forEach(Core.METRIC_DELETE::call);
    }
  }

  /** Writes what the caches counted since. */
  synchronized void update() {
    if (memory == 0) {
      return;
    }
    Core.setMetric(memory, (double) provider.nativeBytes());
    for (Shown shown : models.values()) {
      provider.statistics(shown.file).ifPresent(stats -> update(shown, stats));
    }
  }

  private static void update(Shown shown, ResidencyStats stats) {
    shown.metrics.forEach(
        (kind, metric) -> {
          double value = kind.value.applyAsDouble(stats);
          if (kind.type == GAUGE) {
            Core.setMetric(metric, value);
          } else {
            double before = shown.counted.getOrDefault(kind, 0.0);
            Core.incrementMetric(metric, Math.max(0, value - before));
            shown.counted.put(kind, value);
          }
        });
  }

  @Override
  public synchronized void close() {
    List.copyOf(models.keySet()).forEach(this::remove);
    if (memory != 0) {
      Core.METRIC_DELETE.call(memory);
      memory = 0;
    }
    families.values().forEach(Core.FAMILY_DELETE::call);
    families.clear();
    if (memoryFamily != 0) {
      Core.FAMILY_DELETE.call(memoryFamily);
      memoryFamily = 0;
    }
  }
}
