package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Random calls of one thread: the cache does what the reference does, slot by slot. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExpertCacheModelTest {
  @TempDir Path folder;

  private Random random;
  private List<ExpertFixture> layers;
  private ExpertCache cache;
  private ReferenceCache reference;
  private String what;

  private static Stream<Arguments> kindsAndSeeds() {
    return Arrays.stream(EvictionKind.values())
        .flatMap(
            kind ->
                IntStream.rangeClosed(1, kind == EvictionKind.LRU ? 8 : 3)
                    .mapToObj(seed -> Arguments.of(kind, seed)));
  }

  @ParameterizedTest
  @MethodSource("kindsAndSeeds")
  void equalsTheReference(EvictionKind kind, int seed) throws IOException {
    random = new Random(seed);
    int layerCount = 1 + random.nextInt(4);
    layers = new ArrayList<>();
    for (int l = 0; l < layerCount; l++) {
      int[] parts = random.ints(1 + random.nextInt(3), 1, 900).toArray();
      layers.add(new ExpertFixture(folder, "layer" + l, l, 1 + random.nextInt(70), parts));
    }
    List<LayerStore> stores = layers.stream().map(ExpertFixture::store).toList();
    long slotBytes = stores.stream().mapToLong(LayerStore::expertBytes).max().orElseThrow();
    int all = stores.stream().mapToInt(LayerStore::experts).sum();
    int slots = 1 + random.nextInt(random.nextBoolean() ? 6 : all);
    long budget = slots * slotBytes + random.nextLong(slotBytes);
    what = "%s, seed %d: %d layers, %d slots".formatted(kind, seed, layerCount, slots);
    long mapped = SharedExperts.bytesMapped();
    try (var opened =
        new ExpertCache(stores, budget, new CacheSettings(2, 777, seed % 2 == 0, kind))) {
      cache = opened;
      slots = Math.min(slots, all);
      assertEquals(slots, cache.slots(), what);
      int[] counts = stores.stream().mapToInt(LayerStore::experts).toArray();
      reference = new ReferenceCache(slots, counts, kind);
      for (int call = 0; call < 250; call++) {
        int layer = random.nextInt(layerCount);
        int experts = stores.get(layer).experts();
        if (random.nextInt(3) == 0) {
          guessSome(layer, experts);
        }
        int[] wanted = sample(experts, random.nextInt(Math.min(experts, slots + 3) + 1));
        if (wanted.length <= slots) {
          callThatFits(layer, wanted);
        } else {
          callInWaves(layer, wanted);
        }
        check(slotBytes, budget);
      }
    }
    assertEquals(mapped, SharedExperts.bytesMapped(), what);
  }

  /** Guesses, each of which arrives before the next one comes; likely or not, as worth goes. */
  private void guessSome(int layer, int experts) {
    for (int expert : sample(experts, random.nextInt(Math.min(experts, 4) + 1))) {
      float probability = random.nextInt(4) == 0 ? worthOfSome() : 40 * random.nextFloat();
      reference.guess(layer, expert, probability);
      cache.prefetch(layer, new int[] {expert}, new float[] {probability}, 1);
      awaitQuiet();
    }
  }

  /** Just what a resident is worth: not more. */
  private float worthOfSome() {
    int slot = random.nextInt(cache.slots());
    return slot < reference.occupied() ? reference.worth(slot) : 1;
  }

  private void awaitQuiet() {
    while (true) {
      long resident = 0;
      for (int layer = 0; layer < layers.size(); layer++) {
        resident += cache.mask(layer).cardinality();
      }
      long slotBytes = layers.stream().mapToLong(l -> l.store().expertBytes()).max().orElseThrow();
      if (cache.statistics().slotBytes() == resident * slotBytes) {
        return;
      }
      Thread.onSpinWait();
    }
  }

  private void callThatFits(int layer, int[] wanted) throws IOException {
    int[] slots = reference.call(layer, wanted);
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(layer, wanted, wanted.length);
      int[] ready = new int[wanted.length];
      for (int n = 0; n < wanted.length; ) {
        n = leases.next(ready);
      }
      for (int i = 0; i < wanted.length; i++) {
        assertEquals(slots[i], leases.slot(i), what);
        layers.get(layer).check(cache.slot(slots[i]), wanted[i]);
      }
      if (slots.length < cache.slots() && random.nextBoolean()) {
        callBeside(slots.length);
      }
      int released = random.nextInt(wanted.length + 1);
      for (int i = 0; i < released; i++) {
        leases.release(i);
      }
      if (released == wanted.length) {
        assertEquals(0, leases.next(ready), what);
      }
    }
    reference.leased.clear();
  }

  /** Another call while the first holds its leases; it must leave those alone. */
  private void callBeside(int held) throws IOException {
    int layer = random.nextInt(layers.size());
    int experts = layers.get(layer).store().experts();
    int free = cache.slots() - held;
    int[] wanted = sample(experts, random.nextInt(Math.min(experts, free) + 1));
    int[] slots = reference.call(layer, wanted);
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(layer, wanted, wanted.length);
      for (int n = 0; n < wanted.length; ) {
        n = leases.next(new int[wanted.length]);
      }
      for (int i = 0; i < wanted.length; i++) {
        assertEquals(slots[i], leases.slot(i), what);
        layers.get(layer).check(cache.slot(slots[i]), wanted[i]);
      }
    }
  }

  /** More experts than slots: who is evicted depends on which read ends first. */
  private void callInWaves(int layer, int[] wanted) throws IOException {
    reference.begin(layer, wanted);
    boolean[] seen = new boolean[wanted.length];
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(layer, wanted, wanted.length);
      int[] ready = new int[wanted.length];
      for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
        for (int i = 0; i < n; i++) {
          int position = ready[i];
          assertFalse(seen[position], what + ": handed out twice");
          seen[position] = true;
          int slot = leases.slot(position);
          layers.get(layer).check(cache.slot(slot), wanted[position]);
          reference.place(slot, layer, wanted[position]);
        }
        for (int i = 0; i < n; i++) {
          leases.release(ready[i]);
        }
      }
    }
    assertEquals(wanted.length, IntStream.range(0, seen.length).filter(i -> seen[i]).count(), what);
  }

  private void check(long slotBytes, long budget) {
    for (int l = 0; l < layers.size(); l++) {
      for (int e = 0; e < layers.get(l).store().experts(); e++) {
        assertEquals(reference.slotOf(l, e) >= 0, cache.mask(l).contains(e), what);
      }
    }
    ResidencyStats stats = cache.statistics();
    assertEquals(reference.hits, stats.hits(), what);
    assertEquals(reference.misses, stats.misses(), what);
    assertEquals(reference.misses + reference.prefetches, stats.loads(), what);
    assertEquals(reference.prefetches, stats.prefetches(), what);
    assertEquals(reference.prefetchesUsed, stats.prefetchesUsed(), what);
    assertEquals(reference.prefetchesWasted, stats.prefetchesWasted(), what);
    assertEquals(0, stats.prefetchesLate(), what);
    assertEquals(reference.occupied() * slotBytes, stats.slotBytes(), what);
    assertEquals(reference.peak * slotBytes, stats.peakSlotBytes(), what);
    assertEquals(budget, stats.budgetBytes(), what);
    assertTrue(stats.peakSlotBytes() <= budget, what);
  }

  private int[] sample(int experts, int count) {
    int[] ids = IntStream.range(0, experts).toArray();
    for (int i = 0; i < count; i++) {
      int j = i + random.nextInt(experts - i);
      int swap = ids[i];
      ids[i] = ids[j];
      ids[j] = swap;
    }
    return Arrays.copyOf(ids, count);
  }
}
