package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many threads, few slots: every byte under a lease is right, and nothing stands still. */
@Tag("slow")
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExpertCacheStressTest {
  private static final int THREADS = 8;
  private static final long EXPERT_BYTES = 3_200;

  /** How long {@link #everythingAtOnce} goes on. */
  private static final String SECONDS = "warmgate.stress.seconds";

  @TempDir Path folder;
  private List<ExpertFixture> layers;
  private final AtomicLong wantedInAll = new AtomicLong();

  /** Slots; calls of each thread; whether reads go around the page cache; a seed. */
  @ParameterizedTest
  @CsvSource({"1, 300, false, 1", "3, 700, false, 2", "3, 500, true, 3", "12, 1500, false, 4"})
  void leasedBytesAreRight(int slots, int calls, boolean direct, int seed) throws Exception {
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, 40, 2_500, 700),
            new ExpertFixture(folder, "b", 2, 40, 3_200));
    long budget = slots * EXPERT_BYTES + 100;
    long mapped = SharedExperts.bytesMapped();
    long allocated = NativeMemory.bytesInUse();
    List<Future<?>> workers = new ArrayList<>();
    AtomicBoolean done = new AtomicBoolean();
    try (var cache =
            new ExpertCache(
                layers.stream().map(ExpertFixture::store).toList(),
                budget,
                new CacheSettings(3, 1_024, direct, EvictionKind.LRU));
        ExecutorService pool = Executors.newFixedThreadPool(THREADS + 1)) {
      Future<?> watcher = pool.submit(() -> watch(cache, budget, done));
      for (int t = 0; t < THREADS; t++) {
        Random random = new Random(1000L * seed + t);
        workers.add(pool.submit(() -> work(cache, random, calls)));
      }
      try {
        for (Future<?> worker : workers) {
          worker.get();
        }
      } finally {
        done.set(true);
      }
      watcher.get();
      // Reads for calls that were given up may still be under way.
      while (cache.statistics().slotBytes() != residentBytes(cache)) {
        Thread.onSpinWait();
      }
      ResidencyStats stats = cache.statistics();
      assertEquals(wantedInAll.get(), stats.hits() + stats.misses());
      assertEquals(stats.loads() * EXPERT_BYTES, stats.bytesRead());
      assertTrue(stats.loads() > 0 && stats.peakSlotBytes() <= budget, stats.toString());
    }
    assertEquals(mapped, SharedExperts.bytesMapped());
    assertEquals(allocated, NativeMemory.bytesInUse());
  }

  private static long residentBytes(ExpertCache cache) {
    return EXPERT_BYTES * (cache.mask(0).cardinality() + cache.mask(1).cardinality());
  }

  private Object work(ExpertCache cache, Random random, int calls) throws IOException {
    LeaseSet leases = cache.newLeaseSet();
    int[] ready = new int[40];
    for (int call = 0; call < calls; call++) {
      int layer = random.nextInt(2);
      // Some experts are liked by all; some calls want more than there are slots.
      int[] wanted =
          random.ints(1 + random.nextInt(7), 0, random.nextBoolean() ? 40 : 4).distinct().toArray();
      // Most calls are carried through, some are given up in the middle.
      int rounds = random.nextInt(10) == 0 ? random.nextInt(3) : Integer.MAX_VALUE;
      leases.begin(layer, wanted, wanted.length);
      if (rounds > 0) {
        wantedInAll.addAndGet(wanted.length);
      }
      int handedOut = 0;
      while (rounds-- > 0) {
        int n = leases.next(ready);
        if (n == 0) {
          assertEquals(wanted.length, handedOut);
          break;
        }
        handedOut += n;
        for (int i = 0; i < n; i++) {
          int slot = leases.slot(ready[i]);
          layers.get(layer).check(cache.slot(slot), wanted[ready[i]]);
          assertTrue(cache.mask(layer).contains(wanted[ready[i]]));
        }
        for (int i = 0; i < n; i++) {
          leases.release(ready[i]);
        }
      }
      leases.close();
    }
    return null;
  }

  /**
   * A thread that was stopped between finding a slot and leasing it must not get the expert that is
   * in the slot by then. More threads than processors, so that some are stopped just there.
   */
  @Test
  void aLeaseIsOfTheExpertThatWasAskedFor() throws Exception {
    var layer = new ExpertFixture(folder, "tiny", 5, 6, 16);
    try (var cache =
            new ExpertCache(
                List.of(layer.store()),
                2 * 16,
                new CacheSettings(1, 4_096, false, EvictionKind.LRU));
        ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
      AtomicBoolean done = new AtomicBoolean();
      List<Future<Long>> spinners = new ArrayList<>();
      for (int t = 0; t < THREADS - 1; t++) {
        int first = t;
        spinners.add(
            pool.submit(
                () -> {
                  long leased = 0;
                  for (long i = first; !done.get(); i++) {
                    int expert = (int) (i / 64 % 6);
                    int slot = cache.tryLease(0, expert);
                    if (slot >= 0) {
                      try {
                        layer.check(cache.slot(slot), expert);
                      } finally {
                        cache.release(slot);
                      }
                      leased++;
                    }
                  }
                  return leased;
                }));
      }
      try (LeaseSet leases = cache.newLeaseSet()) {
        for (int call = 0; call < 800; call++) {
          leases.begin(0, new int[] {call % 6}, 1);
          assertEquals(1, leases.next(new int[1]));
          layer.check(cache.slot(leases.slot(0)), call % 6);
          leases.release(0);
        }
      } finally {
        done.set(true);
      }
      long leased = 0;
      for (Future<Long> spinner : spinners) {
        leased += spinner.get();
      }
      assertTrue(leased > 0, "nothing was leased without a lock");
    }
  }

  /**
   * Calls, some given up, guesses, hints and fillings, all at random, for some seconds: {@code
   * -Dwarmgate.stress.seconds=120} says how many.
   */
  @ParameterizedTest
  @Timeout(value = 900, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  @CsvSource({"5, LEARNED", "9, LRU", "13, DECAYED_LFU"})
  void everythingAtOnce(int slots, EvictionKind kind) throws Exception {
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, 40, 2_500, 700),
            new ExpertFixture(folder, "b", 2, 40, 3_200));
    long budget = slots * EXPERT_BYTES + 100;
    long mapped = SharedExperts.bytesMapped();
    long allocated = NativeMemory.bytesInUse();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.getLong(SECONDS, 6)) / 3;
    ExpertCache cache =
        new ExpertCache(
            layers.stream().map(ExpertFixture::store).toList(),
            budget,
            new CacheSettings(2, 1_024, false, kind));
    List<Future<?>> workers = new ArrayList<>();
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService pool = Executors.newFixedThreadPool(THREADS + 1)) {
      Future<?> watcher = pool.submit(() -> watch(cache, budget, done));
      for (int t = 0; t < THREADS; t++) {
        Random random = new Random(t);
        workers.add(
            pool.submit(
                () -> {
                  while (System.nanoTime() < end) {
                    guess(cache, random);
                    work(cache, random, 5);
                  }
                  return null;
                }));
      }
      try {
        for (Future<?> worker : workers) {
          worker.get();
        }
      } finally {
        done.set(true);
      }
      watcher.get();
    }
    // Half of what is under way, so that closing finds some.
    cache.prefetch(0, new int[] {1, 2, 3}, new float[] {1, 1, 1}, 3);
    cache.close();
    ResidencyStats stats = cache.statistics();
    assertEquals(wantedInAll.get(), stats.hits() + stats.misses());
    assertTrue(stats.prefetches() > 0 && stats.prefetchesWasted() > 0, stats.toString());
    assertTrue(
        stats.prefetches()
            >= stats.prefetchesUsed() + stats.prefetchesLate() + stats.prefetchesWasted(),
        stats.toString());
    assertEquals(stats.loads() * EXPERT_BYTES, stats.bytesRead());
    assertEquals(0, stats.slotBytes());
    assertEquals(mapped, SharedExperts.bytesMapped());
    assertEquals(allocated, NativeMemory.bytesInUse());
  }

  private static void guess(ExpertCache cache, Random random) {
    int layer = random.nextInt(2);
    switch (random.nextInt(8)) {
      case 0 -> cache.fill(layer, random.nextInt(40));
      case 1 -> cache.hint(layer, random.nextInt(40), expert -> expert);
      case 2 -> cache.hot(layer);
      default -> {
        int[] likely = random.ints(0, 40).distinct().limit(4).toArray();
        float likelihood = random.nextInt(50) * random.nextFloat();
        cache.prefetch(layer, likely, new float[] {likelihood, likelihood, likelihood / 2, 0}, 4);
      }
    }
  }

  /** The budget holds at every moment, by every account. */
  private static Object watch(ExpertCache cache, long budget, AtomicBoolean done) {
    while (!done.get()) {
      ResidencyStats stats = cache.statistics();
      assertTrue(stats.slotBytes() <= budget && stats.peakSlotBytes() <= budget, stats.toString());
      assertTrue(stats.slotBytes() <= stats.peakSlotBytes(), stats.toString());
      Thread.onSpinWait();
    }
    return null;
  }
}
