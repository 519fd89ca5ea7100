package dev.warmgate.benchmarks.pagein;

import dev.warmgate.hwdetect.Plan;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.ExpertCache;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.residency.LeaseSet;
import dev.warmgate.residency.ModelExperts.Place;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Experts that are paged in, each once, by the caches that sessions use.
 *
 * @param label what they are
 * @param layers where they are
 */
record PageIn(String label, List<LayerStore> layers) {
  /** Room for a few experts of any size, far below what is read. */
  private static final long SLOT_BYTES = 64 << 20;

  private static final int LEAST_SLOTS = 4;

  PageIn {
    layers = List.copyOf(layers);
  }

  /** A file taken for experts of one size. */
  static PageIn ofFile(Path file, long fileBytes, long expertBytes) {
    int experts = Math.toIntExact(fileBytes / expertBytes);
    var all = new FileRegion(file, 0, experts * expertBytes);
    return new PageIn(
        "experts of " + expertBytes + " bytes",
        List.of(new LayerStore(file.getFileName().toString(), experts, List.of(all))));
  }

  long bytes() {
    return layers.stream().mapToLong(LayerStore::bytes).sum();
  }

  /** Bytes of the largest expert. */
  long expertBytes() {
    return layers.stream().mapToLong(LayerStore::expertBytes).max().orElseThrow();
  }

  /**
   * Reads all experts into slots around the page cache, in their order.
   *
   * @param pass a number that was not used before, so that no cache is shared
   * @return bytes a second
   */
  double bytesPerSecond(Plan plan, int pass) throws IOException {
    long budget = Math.min(bytes(), Math.max(SLOT_BYTES, LEAST_SLOTS * expertBytes()));
    var settings = new CacheSettings(plan.ioThreads(), plan.readBytes(), true, EvictionKind.LRU);
    try (SharedExperts.Handle handle =
        SharedExperts.join(
            layers, "page-in " + pass, (_, _) -> budget, settings, Optional.empty())) {
      long start = System.nanoTime();
      for (int layer = 0; layer < layers.size(); layer++) {
        pageIn(handle.experts().place(layer), layers.get(layer).experts());
      }
      return bytes() / ((System.nanoTime() - start) / 1e9);
    }
  }

  private static void pageIn(Place place, int experts) throws IOException {
    ExpertCache cache = place.cache();
    int[] wanted = IntStream.range(0, experts).toArray();
    int[] ready = new int[experts];
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(place.index(), wanted, experts);
      for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
        for (int i = 0; i < n; i++) {
          leases.release(ready[i]);
        }
      }
    }
  }
}
