package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LeaseSetTest {
  private static final int EXPERTS = 10;
  private static final int BYTES = 5_000;

  @TempDir Path folder;
  private ExpertFixture layer;

  @BeforeEach
  void write() throws IOException {
    layer = new ExpertFixture(folder, "moe_3", 7, EXPERTS, 3_000, 2_000);
  }

  private ExpertCache open(int slots, boolean direct) throws IOException {
    return new ExpertCache(
        List.of(layer.store()),
        (long) slots * BYTES,
        new CacheSettings(2, 1_000, direct, EvictionKind.LRU));
  }

  /** Takes all experts of a call as they come; returns how many. */
  private int run(LeaseSet leases, ExpertCache cache, int... wanted) throws IOException {
    leases.begin(0, wanted, wanted.length);
    int[] ready = new int[wanted.length];
    int total = 0;
    for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
      total += n;
      for (int i = 0; i < n; i++) {
        layer.check(cache.slot(leases.slot(ready[i])), wanted[ready[i]]);
        leases.release(ready[i]);
      }
    }
    return total;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneSlotServesManyExperts(boolean direct) throws IOException {
    try (ExpertCache cache = open(1, direct);
        LeaseSet leases = cache.newLeaseSet()) {
      int[] all = IntStream.range(0, EXPERTS).toArray();
      for (int turn = 1; turn <= 3; turn++) {
        assertEquals(EXPERTS, run(leases, cache, all));
        ResidencyStats stats = cache.statistics();
        assertEquals((long) turn * EXPERTS, stats.hits() + stats.misses());
        assertEquals(stats.misses(), stats.loads());
        assertEquals(BYTES, stats.peakSlotBytes());
        assertEquals(1, cache.mask(0).cardinality());
      }
    }
  }

  @Test
  void whatIsLeasedIsNeverEvicted() throws IOException {
    try (ExpertCache cache = open(2, false);
        LeaseSet holder = cache.newLeaseSet();
        LeaseSet other = cache.newLeaseSet()) {
      holder.begin(0, new int[] {4}, 1);
      assertEquals(1, holder.next(new int[1]));
      int slot = holder.slot(0);
      for (int turn = 0; turn < 50; turn++) {
        run(other, cache, turn % EXPERTS, (turn + 1) % EXPERTS, (turn + 2) % EXPERTS);
        assertTrue(cache.mask(0).contains(4));
        layer.check(cache.slot(slot), 4);
      }
      // Leased twice, given back once.
      other.begin(0, new int[] {4}, 1);
      assertEquals(1, other.next(new int[1]));
      assertEquals(slot, other.slot(0));
      holder.release(0);
      LeaseSet third = cache.newLeaseSet();
      run(third, cache, 0, 1, 2, 3);
      layer.check(cache.slot(slot), 4);
      other.release(0);
      run(third, cache, 5, 6);
      assertFalse(cache.mask(0).contains(4));
    }
  }

  @Test
  void whatWasNotGivenBackIsHandedOutAgain() throws IOException {
    try (ExpertCache cache = open(3, false);
        LeaseSet leases = cache.newLeaseSet()) {
      run(leases, cache, 8);
      leases.begin(0, new int[] {8}, 1);
      int[] ready = new int[1];
      assertEquals(1, leases.next(ready));
      assertEquals(1, leases.next(ready));
      assertEquals(0, ready[0]);
      leases.release(0);
      assertEquals(0, leases.next(ready));
      assertEquals(new Counts(1, 1, 1), Counts.of(cache));
    }
  }

  @Test
  void aCallThatWantsNothingGetsNothing() throws IOException {
    try (ExpertCache cache = open(1, false);
        LeaseSet leases = cache.newLeaseSet()) {
      assertEquals(0, run(leases, cache));
      assertEquals(0, leases.next(new int[0]));
      assertEquals(new Counts(0, 0, 0), Counts.of(cache));
    }
  }

  @Test
  void misuseIsRefused() throws IOException {
    try (ExpertCache cache = open(2, false);
        LeaseSet leases = cache.newLeaseSet()) {
      for (int bad : new int[] {-1, EXPERTS, Integer.MAX_VALUE}) {
        assertThrows(IndexOutOfBoundsException.class, () -> leases.begin(0, new int[] {0, bad}, 2));
      }
      leases.begin(0, new int[] {0, 1, 2}, 3);
      assertThrows(IllegalStateException.class, () -> leases.begin(0, new int[] {0}, 1));
      int[] ready = new int[3];
      int n = leases.next(ready);
      assertThrows(IllegalStateException.class, () -> leases.slot(2));
      assertThrows(IllegalStateException.class, () -> leases.release(2));
      assertTrue(n >= 1);
      leases.release(ready[0]);
      int released = ready[0];
      assertThrows(IllegalStateException.class, () -> leases.release(released));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10})
  void aFailedReadNamesWhatFailedAndLeavesAWorkingCache(int slots) throws IOException {
    try (ExpertCache cache = open(slots, false)) {
      LeaseSet leases = cache.newLeaseSet();
      run(leases, cache, 0, 1);
      int[] wanted = {9, 1, 8, 7, 0};
      for (int turn = 0; turn < 20; turn++) {
        layer.cutBefore(7);
        IOException e = assertThrows(IOException.class, () -> run(leases, cache, wanted));
        leases.close();
        awaitQuiet(cache);
        String message = e.getMessage();
        assertTrue(message.matches("moe_3, expert [01789]: reading .*"), message);
        assertTrue(message.contains(" of " + layer.file() + " failed: "), message);
        assertTrue(message.contains(" at offset "), message);
        assertEquals(1, message.lines().count(), message);
        for (int expert = 7; expert <= 9; expert++) {
          assertFalse(cache.mask(0).contains(expert), "turn " + turn);
        }
        layer.repair();
        assertEquals(wanted.length, run(leases, cache, wanted), "turn " + turn);
        assertTrue(cache.statistics().peakSlotBytes() <= cache.statistics().budgetBytes());
        // Every slot can be leased at once, so none was lost.
        int[] as = IntStream.range(turn % 2 == 0 ? 0 : EXPERTS - slots, EXPERTS).toArray();
        leases.begin(0, as, slots);
        for (int n = 0; n < slots; ) {
          n = leases.next(new int[slots]);
        }
        leases.close();
        assertEquals((long) slots * BYTES, cache.statistics().slotBytes());
        // Make room for failures again: the experts of the next turn must be absent.
        for (int expert = 0; expert < 7; expert++) {
          run(leases, cache, expert);
        }
        if (slots == EXPERTS) {
          return;
        }
        run(leases, cache, IntStream.range(0, Math.min(7, slots + 4)).toArray());
      }
    }
  }

  /**
   * Until the reads that nobody waits for are over: a call that joined one would share its fate.
   */
  private static void awaitQuiet(ExpertCache cache) {
    while (cache.statistics().slotBytes() != (long) BYTES * cache.mask(0).cardinality()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void allWhoWaitForAFailedReadAreTold() throws Exception {
    try (ExpertCache cache = open(2, false);
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      layer.cutBefore(7);
      for (int turn = 0; turn < 50; turn++) {
        List<Future<IOException>> calls =
            IntStream.range(0, 4)
                .mapToObj(
                    i ->
                        pool.submit(
                            () -> {
                              try (LeaseSet leases = cache.newLeaseSet()) {
                                return assertThrows(
                                    IOException.class, () -> run(leases, cache, 7, 8));
                              }
                            }))
                .toList();
        for (Future<IOException> call : calls) {
          call.get();
        }
      }
      awaitQuiet(cache);
      layer.repair();
      try (LeaseSet leases = cache.newLeaseSet()) {
        assertEquals(3, run(leases, cache, 7, 8, 9));
      }
      assertEquals(2L * BYTES, cache.statistics().slotBytes());
    }
  }

  @Test
  void aCallMayBeGivenUpWhileItsReadsAreUnderWay() throws IOException {
    try (ExpertCache cache = open(4, false)) {
      for (int turn = 0; turn < 200; turn++) {
        try (LeaseSet leases = cache.newLeaseSet()) {
          int[] wanted = {turn % EXPERTS, (turn + 3) % EXPERTS, (turn + 5) % EXPERTS};
          leases.begin(0, wanted, 3);
          int n = leases.next(new int[3]);
          assertTrue(n >= 1 && n <= 3);
        }
      }
      try (LeaseSet leases = cache.newLeaseSet()) {
        assertEquals(EXPERTS, run(leases, cache, IntStream.range(0, EXPERTS).toArray()));
      }
    }
  }

  private record Counts(long hits, long misses, long loads) {
    static Counts of(ExpertCache cache) {
      ResidencyStats stats = cache.statistics();
      return new Counts(stats.hits(), stats.misses(), stats.loads());
    }
  }
}
