package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a guess may take, what becomes of it, and that each is counted as one thing. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrefetchTest {
  private static final int EXPERTS = 24;
  private static final int BYTES = 3_000;

  @TempDir Path folder;
  private List<ExpertFixture> layers;
  private final CountDownLatch busy = new CountDownLatch(1);
  private final CountDownLatch free = new CountDownLatch(1);

  @BeforeEach
  void write() throws IOException {
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, EXPERTS, BYTES),
            new ExpertFixture(folder, "b", 2, EXPERTS, BYTES));
  }

  private ExpertCache open(EvictionKind kind, int slots, ByteSource.Opener opener)
      throws IOException {
    return new ExpertCache(
        layers.stream().map(ExpertFixture::store).toList(),
        (long) slots * BYTES,
        // An expert is one read: once that is given out, the reader will want the next.
        new CacheSettings(1, BYTES, false, kind),
        opener);
  }

  private ExpertCache open(EvictionKind kind, int slots) throws IOException {
    return open(kind, slots, ByteSource.Opener.FILES);
  }

  /** Its only reader stands still within its first read, until {@link #free}. */
  private ExpertCache openHeldUp(int slots) throws IOException {
    return open(
        EvictionKind.LFU,
        slots,
        FaultySource.opener(
            (file, _, target, position) -> {
              busy.countDown();
              FaultySource.await(free);
              return file.read(target, position);
            }));
  }

  private static void guess(ExpertCache cache, int layer, float probability, int... experts) {
    float[] probabilities = new float[experts.length];
    Arrays.fill(probabilities, probability);
    cache.prefetch(layer, experts, probabilities, experts.length);
  }

  private static void awaitQuiet(ExpertCache cache) {
    while (!cache.quiet()) {
      Thread.onSpinWait();
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

  private static void assertCounts(ExpertCache cache, int begun, int used, int late, int wasted) {
    ResidencyStats stats = cache.statistics();
    assertEquals(
        List.of((long) begun, (long) used, (long) late, (long) wasted),
        List.of(
            stats.prefetches(),
            stats.prefetchesUsed(),
            stats.prefetchesLate(),
            stats.prefetchesWasted()));
  }

  @Test
  void freeSlotsAreFilledFirstAndAQuarterOfAllAtMost() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 12)) {
      demand(cache, 0, 0, 1, 2, 3);
      guess(cache, 1, 1, 20, 21, 22, 23, 19, 18);
      awaitQuiet(cache);
      for (int expert = 0; expert < 4; expert++) {
        assertTrue(
            cache.mask(0).contains(expert), "slots are free, and " + expert + " was evicted");
      }
      assertEquals(3, cache.mask(1).cardinality());
      assertTrue(cache.mask(1).contains(20) && cache.mask(1).contains(22), "the likeliest first");
      assertCounts(cache, 3, 0, 0, 0);
      demand(cache, 1, 21);
      assertCounts(cache, 3, 1, 0, 0);
      // One is used: there is room for another.
      guess(cache, 1, 1, 18, 17);
      awaitQuiet(cache);
      assertEquals(4, cache.mask(1).cardinality());
      assertCounts(cache, 4, 1, 0, 0);
      demand(cache, 1, 21);
      assertCounts(cache, 4, 1, 0, 0);
    }
  }

  @Test
  void whatIsResidentOrOnItsWayIsNotReadAgain() throws Exception {
    try (ExpertCache cache = openHeldUp(16)) {
      guess(cache, 0, 1, 5);
      busy.await();
      guess(cache, 0, 1, 5, 6);
      guess(cache, 0, 1, 6, 5, 5);
      assertCounts(cache, 2, 0, 0, 0);
      free.countDown();
      awaitQuiet(cache);
      guess(cache, 0, 1, 5, 6);
      assertCounts(cache, 2, 0, 0, 0);
      assertEquals(2, cache.statistics().loads());
    }
  }

  @Test
  void nothingWorthAsMuchMakesRoom() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 8)) {
      for (int turn = 0; turn < 3; turn++) {
        demand(cache, 0, 0, 1, 2, 3);
        demand(cache, 1, 0, 1, 2, 3);
      }
      demand(cache, 0, 0, 2, 3);
      guess(cache, 0, 3, 9);
      awaitQuiet(cache);
      assertFalse(cache.mask(0).contains(9), "all are worth 3 or more");
      guess(cache, 0, 3.5f, 9);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(9));
      assertFalse(cache.mask(0).contains(1), "the least of its layer makes room");
      assertCounts(cache, 1, 0, 0, 0);
    }
  }

  @Test
  void aGuessNeverTakesTheSlotOfOneThatMayStillBeRight() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 8)) {
      for (int turn = 0; turn < 9; turn++) {
        demand(cache, 0, 0, 1, 2);
        demand(cache, 1, 0, 1, 2, 3);
      }
      guess(cache, 0, 1, 9);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(9));
      // All others are worth more than it; this one was never used, but was guessed just now.
      guess(cache, 0, 2, 10);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(9));
      assertFalse(cache.mask(0).contains(10));
      for (int turn = 0; turn < 2; turn++) {
        demand(cache, 0, 0, 1, 2);
        guess(cache, 0, 2, 10);
        awaitQuiet(cache);
        assertTrue(cache.mask(0).contains(9), "turn " + turn);
      }
      // It was wrong three times: that was its chance.
      demand(cache, 0, 0, 1, 2);
      guess(cache, 0, 2, 10);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(10));
      assertFalse(cache.mask(0).contains(9));
      assertCounts(cache, 2, 0, 0, 1);
    }
  }

  @Test
  void aDemandSparesAGuessUnlessNothingElseIsLeft() throws IOException {
    try (ExpertCache cache = open(EvictionKind.DECAYED_LFU, 4)) {
      demand(cache, 0, 0, 1, 2);
      guess(cache, 0, 1, 9);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(9));
      demand(cache, 0, 3);
      assertTrue(cache.mask(0).contains(9), "others were worth more, but not just guessed");
      try (LeaseSet leases = cache.newLeaseSet()) {
        int[] wanted = {4, 5, 6, 7};
        leases.begin(0, wanted, 4);
        int[] ready = new int[4];
        for (int n = 0; n < 4; ) {
          n = leases.next(ready);
        }
        for (int i = 0; i < 4; i++) {
          layers.getFirst().check(cache.slot(leases.slot(i)), wanted[i]);
        }
      }
      assertFalse(cache.mask(0).contains(9));
      assertCounts(cache, 1, 0, 0, 1);
    }
  }

  /** A decayed count grows far above 1, a probability doesn't. */
  @Test
  void aProbabilityIsComparedOnThePolicysOwnScale() throws IOException {
    try (ExpertCache cache = open(EvictionKind.DECAYED_LFU, 4)) {
      for (int call = 0; call < 20; call++) {
        if (call % 10 == 0) {
          demand(cache, 0, 0, 1, 2, 3);
        } else {
          demand(cache, 0, 0, 1, 2);
        }
      }
      guess(cache, 0, 0.9f, 9);
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(9), "a likely one takes the place of a rare one");
      assertTrue(cache.mask(0).contains(0), "and of no other");
    }
  }

  @Test
  void leasedSlotsAreNobodysToTake() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 4);
        LeaseSet leases = cache.newLeaseSet()) {
      int[] all = {0, 1, 2, 3};
      leases.begin(0, all, 4);
      for (int n = 0; n < 4; ) {
        n = leases.next(new int[4]);
      }
      guess(cache, 1, 1e9f, 7);
      assertCounts(cache, 0, 0, 0, 0);
      for (int i = 0; i < 4; i++) {
        layers.getFirst().check(cache.slot(leases.slot(i)), all[i]);
      }
    }
  }

  @Test
  void aGuessThatIsAskedForWhileItIsReadIsLateAndReadOnce() throws Exception {
    try (ExpertCache cache = openHeldUp(16);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      guess(cache, 0, 1, 5);
      busy.await();
      guess(cache, 0, 1, 6, 7);
      Future<?> call =
          other.submit(
              () -> {
                demand(cache, 0, 6, 5);
                return null;
              });
      while (cache.statistics().prefetchesLate() < 2) {
        Thread.onSpinWait();
      }
      free.countDown();
      call.get();
      awaitQuiet(cache);
      assertCounts(cache, 2, 0, 2, 0);
      assertEquals(2, cache.statistics().loads());
      assertEquals(2, cache.statistics().misses());
      assertFalse(cache.mask(0).contains(7), "its layer ran before its turn came");
    }
  }

  @Test
  void aQueuedGuessGivesItsSlotToADemand() throws Exception {
    try (ExpertCache cache = openHeldUp(8);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      guess(cache, 0, 1, 5);
      busy.await();
      guess(cache, 0, 1, 6);
      int[] wanted = {10, 11, 12, 13, 14, 15, 16};
      Future<?> call =
          other.submit(
              () -> {
                demand(cache, 0, wanted);
                return null;
              });
      while (cache.statistics().prefetchesWasted() == 0) {
        Thread.onSpinWait();
      }
      // Seven demands and the guess that has begun.
      assertEquals(8L * BYTES, cache.statistics().slotBytes());
      assertCounts(cache, 2, 0, 0, 1);
      free.countDown();
      call.get();
      awaitQuiet(cache);
      assertTrue(cache.mask(0).contains(5));
      assertFalse(cache.mask(0).contains(6), "it was never read");
      assertEquals(8, cache.statistics().loads());
    }
  }

  @Test
  void whatIsGivenUpBeforeItsReadBeginsIsNotRead() throws Exception {
    try (ExpertCache cache = openHeldUp(16)) {
      LeaseSet leases = cache.newLeaseSet();
      LeaseSet second = cache.newLeaseSet();
      guess(cache, 0, 1, 0);
      busy.await();
      leases.begin(0, new int[] {5, 6, 7}, 3);
      leases.request();
      second.begin(0, new int[] {6}, 1);
      second.request();
      assertEquals(4L * BYTES, cache.statistics().slotBytes());
      leases.close();
      assertEquals(2L * BYTES, cache.statistics().slotBytes(), "6 is still wanted by the other");
      second.close();
      assertEquals(BYTES, cache.statistics().slotBytes());
      free.countDown();
      awaitQuiet(cache);
      assertEquals(1, cache.statistics().loads());
      assertEquals(BYTES, cache.statistics().bytesRead());
      demand(cache, 0, 5, 6, 7);
    }
  }

  @Test
  void closingReadsNothingThatHasNotBegun() throws Exception {
    long mapped = SharedExperts.bytesMapped();
    ExpertCache cache = openHeldUp(32);
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      guess(cache, 0, 1, 0);
      busy.await();
      guess(cache, 0, 1, IntStream.range(1, 8).toArray());
      assertEquals(2, cache.statistics().prefetches(), "one is read, one is next");
      Future<?> closing = other.submit(cache::close);
      while (cache.statistics().prefetchesWasted() < 1) {
        Thread.onSpinWait();
      }
      guess(cache, 1, 1, 3);
      free.countDown();
      closing.get();
    }
    assertEquals(1, cache.statistics().loads());
    assertCounts(cache, 2, 0, 0, 2);
    assertEquals(0, cache.statistics().slotBytes());
    assertEquals(mapped, SharedExperts.bytesMapped());
    assertDoesNotThrow(() -> guess(cache, 0, 1, 3, 4));
    assertCounts(cache, 2, 0, 0, 2);
  }

  @Test
  void aGuessWaitsUntilNobodyWaitsForTheReaders() throws Exception {
    try (ExpertCache cache = openHeldUp(16);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<?> call =
          other.submit(
              () -> {
                demand(cache, 0, 1, 2, 3);
                return null;
              });
      busy.await();
      while (cache.statistics().slotBytes() < 3 * BYTES) {
        Thread.onSpinWait();
      }
      guess(cache, 0, 1, 5);
      guess(cache, 1, 1, 6, 7);
      assertCounts(cache, 0, 0, 0, 0);
      assertEquals(3L * BYTES, cache.statistics().slotBytes(), "it takes no slot while it waits");
      free.countDown();
      call.get();
      awaitQuiet(cache);
      assertCounts(cache, 3, 0, 0, 0);
      demand(cache, 1, 6, 7);
      assertCounts(cache, 3, 2, 0, 0);
    }
  }

  @Test
  void whereThereIsASlotForEachAllAreRead() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 2 * EXPERTS)) {
      demand(cache, 0, 3);
      cache.fillRest();
      cache.fillRest();
      awaitQuiet(cache);
      assertTrue(cache.mask(0).isFull() && cache.mask(1).isFull());
      assertEquals(2 * EXPERTS, cache.statistics().loads());
      demand(cache, 1, IntStream.range(0, EXPERTS).toArray());
    }
    try (ExpertCache cache = open(EvictionKind.LFU, 2 * EXPERTS - 1)) {
      cache.fillRest();
      awaitQuiet(cache);
      assertEquals(0, cache.statistics().loads());
    }
  }

  @Test
  void aGuessThatFailsIsWastedAndItsSlotFreeAgain() throws IOException {
    try (ExpertCache cache = open(EvictionKind.LFU, 8)) {
      layers.getFirst().cutBefore(7);
      for (int turn = 1; turn <= 20; turn++) {
        guess(cache, 0, 1, 7, 8);
        awaitQuiet(cache);
        assertEquals(0, cache.statistics().slotBytes());
        assertCounts(cache, 2 * turn, 0, 0, 2 * turn);
      }
      layers.getFirst().repair();
      demand(cache, 0, 7, 8);
      assertEquals(2, cache.statistics().loads());
    }
  }

  /** Every guess ends in one way, whoever races for it. */
  @ParameterizedTest
  @EnumSource(
      value = EvictionKind.class,
      names = {"LRU", "LEARNED", "DECAYED_LFU", "RANDOM"})
  void countersAreExactWithManyThreads(EvictionKind kind) throws Exception {
    int slots = 9;
    ExpertCache cache =
        new ExpertCache(
            layers.stream().map(ExpertFixture::store).toList(),
            (long) slots * BYTES,
            new CacheSettings(2, 1_000, false, kind));
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        Random random = new Random(t);
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 1_000; i++) {
                    int layer = random.nextInt(2);
                    int[] likely = random.ints(0, EXPERTS).distinct().limit(4).toArray();
                    guess(cache, layer, 20 * random.nextFloat(), likely);
                    int from = random.nextInt(3) * 2;
                    int[] wanted = random.ints(0, EXPERTS).distinct().limit(3).toArray();
                    // Sometimes the guess was right.
                    demand(cache, layer, from == 0 ? wanted : Arrays.copyOf(likely, from / 2));
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
    }
    awaitQuiet(cache);
    assertDoesNotThrow(cache::requireUnused);
    assertTrue(cache.statistics().peakSlotBytes() <= (long) slots * BYTES);
    cache.close();
    ResidencyStats stats = cache.statistics();
    assertTrue(stats.prefetches() > 0, stats.toString());
    assertEquals(
        stats.prefetches(),
        stats.prefetchesUsed() + stats.prefetchesLate() + stats.prefetchesWasted(),
        stats.toString());
  }
}
