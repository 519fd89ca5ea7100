package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Asking for experts without waiting for them. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LeaseSetRequestTest {
  private static final int BYTES = 1_000;

  @TempDir Path folder;
  private final CountDownLatch free = new CountDownLatch(1);
  private ExpertFixture layer;

  @BeforeEach
  void write() throws IOException {
    layer = new ExpertFixture(folder, "layer", 3, 9, BYTES);
  }

  private ExpertCache open(int slots) throws IOException {
    return new ExpertCache(
        List.of(layer.store()),
        (long) slots * BYTES,
        new CacheSettings(2, 4_096, false, EvictionKind.LRU),
        FaultySource.opener(
            (file, _, target, position) -> {
              FaultySource.await(free);
              return file.read(target, position);
            }));
  }

  private void takeAll(ExpertCache cache, LeaseSet leases, int... wanted) throws IOException {
    int[] ready = new int[wanted.length];
    int total = 0;
    for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
      for (int i = 0; i < n; i++) {
        layer.check(cache.slot(leases.slot(ready[i])), wanted[ready[i]]);
        leases.release(ready[i]);
        total++;
      }
    }
    assertEquals(wanted.length, total);
  }

  @Test
  void waitsForNothingAndCountsOnce() throws IOException {
    try (ExpertCache cache = open(4);
        LeaseSet leases = cache.newLeaseSet()) {
      int[] wanted = {1, 2, 3, 4, 5, 6};
      leases.begin(0, wanted, wanted.length);
      assertEquals(0, cache.statistics().misses());
      leases.request();
      leases.request();
      assertEquals(6, cache.statistics().misses());
      assertEquals(4L * BYTES, cache.statistics().slotBytes(), "as many as there are slots");
      free.countDown();
      takeAll(cache, leases, wanted);
      assertEquals(6, cache.statistics().misses());
      assertEquals(0, cache.statistics().hits());
      assertEquals(6, cache.statistics().loads());
    }
  }

  /** The reader that was woken for the demand finds nothing to do, mostly, and nobody tells it. */
  @Test
  void whatWaitsForAnIdleReaderIsReadThoughTheDemandBeforeItIsGivenUp() throws IOException {
    free.countDown();
    for (int turn = 0; turn < 50; turn++) {
      try (ExpertCache cache = open(9)) {
        LockSupport.parkNanos(2_000_000); // The readers fall asleep.
        try (LeaseSet leases = cache.newLeaseSet()) {
          leases.begin(0, new int[] {1, 2}, 2);
          leases.request();
          cache.fill(0, 3);
        }
        while (!cache.quiet()) {
          Thread.onSpinWait();
        }
        assertTrue(cache.mask(0).contains(3));
      }
    }
  }

  @Test
  void leasesWhatIsResidentAtOnce() throws IOException {
    free.countDown();
    try (ExpertCache cache = open(3);
        LeaseSet first = cache.newLeaseSet();
        LeaseSet second = cache.newLeaseSet()) {
      first.begin(0, new int[] {1, 2, 3}, 3);
      takeAll(cache, first, 1, 2, 3);
      first.begin(0, new int[] {2, 3}, 2);
      first.request();
      assertThrows(IllegalStateException.class, cache::requireUnused);
      // What the other asked for can't be evicted, though it has not come for it yet.
      second.begin(0, new int[] {5, 6, 7}, 3);
      takeAll(cache, second, 5, 6, 7);
      takeAll(cache, first, 2, 3);
      assertEquals(2, cache.statistics().hits());
    }
  }

  @Test
  void aClosedSetGivesBackWhatItAskedFor() throws IOException {
    ExpertCache cache = open(4);
    LeaseSet leases = cache.newLeaseSet();
    leases.begin(0, new int[] {1, 2, 3}, 3);
    leases.request();
    leases.close();
    leases.request();
    free.countDown();
    cache.close();
    assertEquals(0, cache.statistics().slotBytes());
  }

  @Test
  void anEmptyCallAsksForNothing() throws IOException {
    try (ExpertCache cache = open(2);
        LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(0, new int[0], 0);
      leases.request();
      assertEquals(0, leases.next(new int[0]));
      assertEquals(0, cache.statistics().hits() + cache.statistics().misses());
    }
  }

  @Test
  void aClosedCacheRefuses() throws IOException {
    ExpertCache cache = open(2);
    LeaseSet leases = cache.newLeaseSet();
    cache.close();
    leases.begin(0, new int[] {1}, 1);
    assertThrows(IllegalStateException.class, leases::request);
    leases.close();
  }
}
