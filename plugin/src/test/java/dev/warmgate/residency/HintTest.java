package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guess is read in the background, and never at the cost of what is wanted more. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HintTest {
  private static final int EXPERTS = 12;
  private static final int BYTES = 3_000;
  private static final Warmth EQUAL = expert -> 1;

  @TempDir Path folder;
  private List<ExpertFixture> layers;

  @BeforeEach
  void write() throws IOException {
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, EXPERTS, BYTES),
            new ExpertFixture(folder, "b", 2, EXPERTS, BYTES));
  }

  private ExpertCache open(int layerCount, int slots, int ioThreads) throws IOException {
    List<LayerStore> stores =
        layers.subList(0, layerCount).stream().map(ExpertFixture::store).toList();
    return new ExpertCache(
        stores, (long) slots * BYTES, new CacheSettings(ioThreads, 1_000, false, EvictionKind.LRU));
  }

  /** Until the reads that nobody waits for are over. */
  private static void awaitQuiet(ExpertCache cache, int layerCount) {
    awaitQuiet(cache, layerCount, BYTES);
  }

  private static void awaitQuiet(ExpertCache cache, int layerCount, int slotBytes) {
    while (true) {
      long resident = 0;
      for (int layer = 0; layer < layerCount; layer++) {
        resident += cache.mask(layer).cardinality();
      }
      // After the masks, and under the lock: what set the last bit has left the lock by then.
      if (cache.statistics().slotBytes() == resident * slotBytes) {
        return;
      }
      Thread.onSpinWait();
    }
  }

  /** A reader looks busy a moment longer than its read lasts, so a hint may have to be repeated. */
  private static void hintUntilTaken(ExpertCache cache, int layer, int expert, Warmth warmth) {
    long before = cache.statistics().prefetches();
    for (int i = 0; cache.statistics().prefetches() == before; i++) {
      assertTrue(i < 2_000, "a hint of expert %d is dropped for ever".formatted(expert));
      cache.hint(layer, expert, warmth);
      if (i > 10) {
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  private void demand(ExpertCache cache, int layer, int... wanted) throws IOException {
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(layer, wanted, wanted.length);
      int[] ready = new int[wanted.length];
      for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
        for (int i = 0; i < n; i++) {
          layers.get(layer).check(cache.slot(leases.slot(ready[i])), wanted[ready[i]]);
          leases.release(ready[i]);
        }
      }
    }
  }

  @Test
  void aFreeSlotIsFilled() throws IOException {
    try (ExpertCache cache = open(1, 4, 2)) {
      cache.hint(0, 7, EQUAL);
      awaitQuiet(cache, 1);
      assertTrue(cache.mask(0).contains(7));
      assertEquals(1, cache.statistics().prefetches());
      assertEquals(1, cache.statistics().loads());
      demand(cache, 0, 7);
      assertEquals(1, cache.statistics().hits());
      assertEquals(1, cache.statistics().loads());
      // Nothing to do for what is resident, and nobody to disturb.
      cache.hint(0, 7, EQUAL);
      assertEquals(1, cache.statistics().prefetches());
    }
  }

  @Test
  void theColdestOfItsLayerThatIsColderMakesRoom() throws IOException {
    int taken = 0;
    int refused = 0;
    for (int seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      int slots = 3 + random.nextInt(6);
      try (ExpertCache cache = open(2, slots, 1)) {
        while (cache.statistics().slotBytes() < (long) slots * BYTES) {
          demand(cache, random.nextInt(2), random.nextInt(EXPERTS));
        }
        for (int turn = 0; turn < 10; turn++) {
          // Coarse, so that some are equally warm.
          int[] warmth = random.ints(EXPERTS, 0, 6).toArray();
          int layer = random.nextInt(2);
          int other = 1 - layer;
          int guess = random.nextInt(EXPERTS);
          int leased = random.nextInt(EXPERTS);
          String what = "seed %d, turn %d, %d slots".formatted(seed, turn, slots);
          boolean[] before = residents(cache, layer);
          boolean[] others = residents(cache, other);
          boolean hold = before[leased];
          LeaseSet leases = cache.newLeaseSet();
          if (hold) {
            leases.begin(layer, new int[] {leased}, 1);
            assertEquals(1, leases.next(new int[1]), what);
          }
          int coldest = Integer.MAX_VALUE;
          for (int e = 0; e < EXPERTS; e++) {
            if (before[e] && !(hold && e == leased)) {
              coldest = Math.min(coldest, warmth[e]);
            }
          }
          boolean takes = !before[guess] && coldest < warmth[guess];
          Warmth values = expert -> warmth[expert];
          if (takes) {
            hintUntilTaken(cache, layer, guess, values);
          } else {
            for (int i = 0; i < 20; i++) {
              cache.hint(layer, guess, values);
            }
          }
          awaitQuiet(cache, 2);
          boolean[] after = residents(cache, layer);
          assertEquals(takes || before[guess], after[guess], what);
          int gone = 0;
          for (int e = 0; e < EXPERTS; e++) {
            if (before[e] && !after[e]) {
              gone++;
              assertEquals(coldest, warmth[e], what + ": not the coldest went");
              assertFalse(hold && e == leased, what + ": a leased one went");
            }
          }
          assertEquals(takes ? 1 : 0, gone, what);
          assertEquals(list(others), list(residents(cache, other)), what + ": the other layer");
          taken += takes ? 1 : 0;
          refused += takes ? 0 : 1;
          leases.close();
        }
      }
    }
    assertTrue(taken > 50 && refused > 50, taken + " taken, " + refused + " refused");
  }

  private static boolean[] residents(ExpertCache cache, int layer) {
    boolean[] found = new boolean[EXPERTS];
    for (int e = 0; e < EXPERTS; e++) {
      found[e] = cache.mask(layer).contains(e);
    }
    return found;
  }

  private static List<Integer> list(boolean[] set) {
    List<Integer> list = new ArrayList<>();
    for (int e = 0; e < set.length; e++) {
      if (set[e]) {
        list.add(e);
      }
    }
    return list;
  }

  @Test
  void aBusyLockDropsAHint() throws Exception {
    try (ExpertCache cache = open(1, 4, 1);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      cache.lock();
      try {
        other.submit(() -> cache.hint(0, 3, EQUAL)).get();
      } finally {
        cache.unlock();
      }
      assertEquals(0, cache.statistics().prefetches());
      assertFalse(cache.mask(0).contains(3));
    }
  }

  @Test
  void aHintOfWhatIsResidentAsksForNoLock() throws Exception {
    try (ExpertCache cache = open(1, 4, 1)) {
      demand(cache, 0, 3);
      assertTrue(cache.mask(0).contains(3));
      // Had it gone on, it would have asked for the warmth, or taken a slot.
      cache.hint(
          0,
          3,
          _ -> {
            throw new AssertionError("asked for the warmth of a resident expert");
          });
      assertEquals(0, cache.statistics().prefetches());
    }
  }

  /** The lock that a finished read needs is held here, so that reads stay where they are. */
  @Test
  void hintsAreDroppedWhileOthersWait() throws IOException {
    try (ExpertCache cache = open(1, 8, 1)) {
      cache.lock();
      try {
        cache.hint(0, 0, EQUAL);
        // The only reader is busy with it, or soon will be.
        for (int expert = 1; expert < 5; expert++) {
          cache.hint(0, expert, EQUAL);
        }
        assertEquals(1, cache.statistics().prefetches());
      } finally {
        cache.unlock();
      }
      awaitQuiet(cache, 1);
      demand(cache, 0, 0);
      cache.lock();
      int slot;
      try {
        slot = cache.reserve(0, 5);
        cache.hint(0, 6, EQUAL);
        assertEquals(1, cache.statistics().prefetches());
      } finally {
        cache.unlock();
      }
      awaitQuiet(cache, 1);
      assertTrue(cache.mask(0).contains(5));
      assertFalse(cache.mask(0).contains(6));
      cache.abandon(slot);
    }
  }

  @Test
  void aHintOfWhatIsBeingReadReadsItOnce() throws IOException {
    try (ExpertCache cache = open(1, 8, 4)) {
      cache.lock();
      int slot;
      try {
        cache.hint(0, 2, EQUAL);
        cache.hint(0, 2, EQUAL);
        slot = cache.reserve(0, 2);
        cache.hint(0, 2, EQUAL);
      } finally {
        cache.unlock();
      }
      awaitQuiet(cache, 1);
      assertEquals(1, cache.statistics().prefetches());
      assertEquals(1, cache.statistics().loads());
      assertEquals(BYTES, cache.statistics().slotBytes());
      layers.getFirst().check(cache.slot(slot), 2);
      // The demand that joined has a lease, the guess has none.
      assertThrows(IllegalStateException.class, cache::requireUnused);
      cache.release(slot);
      assertDoesNotThrow(cache::requireUnused);
    }
  }

  @Test
  void aFailingGuessHarmsNobody() throws IOException {
    try (ExpertCache cache = open(1, 3, 2)) {
      demand(cache, 0, 0, 1);
      layers.getFirst().cutBefore(7);
      for (int turn = 0; turn < 20; turn++) {
        hintUntilTaken(cache, 0, 7 + turn % 5, EQUAL);
        awaitQuiet(cache, 1);
        assertEquals(2L * BYTES, cache.statistics().slotBytes(), "turn " + turn);
      }
      assertEquals(2, cache.statistics().loads());
      assertTrue(cache.mask(0).contains(0) && cache.mask(0).contains(1));
      demand(cache, 0, 0, 1);
      assertEquals(2, cache.statistics().hits());
      layers.getFirst().repair();
      demand(cache, 0, 7, 8, 9);
      assertEquals(3L * BYTES, cache.statistics().slotBytes());
    }
  }

  @Test
  void aClosedCacheTakesNoHints() throws IOException {
    ExpertCache cache = open(1, 3, 1);
    cache.hint(0, 1, EQUAL);
    awaitQuiet(cache, 1);
    cache.close();
    assertDoesNotThrow(() -> cache.hint(0, 2, EQUAL));
    assertDoesNotThrow(() -> cache.hint(0, 1, EQUAL));
    assertEquals(1, cache.statistics().prefetches());
  }

  @Test
  void theBudgetHoldsWhateverIsGuessed() throws Exception {
    int slots = 5;
    try (ExpertCache cache = open(2, slots, 2);
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        Random random = new Random(t);
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 1_500; i++) {
                    int shift = random.nextInt(EXPERTS);
                    cache.hint(
                        random.nextInt(2),
                        random.nextInt(EXPERTS),
                        expert -> (expert + shift) % EXPERTS);
                    if (i % 3 == 0) {
                      int[] wanted = random.ints(0, EXPERTS).distinct().limit(3).toArray();
                      demand(cache, random.nextInt(2), wanted);
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      awaitQuiet(cache, 2);
      ResidencyStats stats = cache.statistics();
      assertTrue(stats.prefetches() > 0, stats.toString());
      assertTrue(stats.peakSlotBytes() <= stats.budgetBytes(), stats.toString());
      assertTrue(stats.loads() >= stats.prefetches(), stats.toString());
      assertEquals(4 * 500 * 3, stats.hits() + stats.misses());
      assertDoesNotThrow(cache::requireUnused);
    }
  }
}
