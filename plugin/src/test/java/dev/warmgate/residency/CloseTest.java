package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What closing gives back, and when it is refused. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CloseTest {
  private static final CacheSettings SETTINGS = new CacheSettings(2, 4096, false, EvictionKind.LRU);

  @TempDir Path folder;

  @Test
  void isRefusedWhileAnExpertIsLeased() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 3, 500);
    long mapped = SharedExperts.bytesMapped();
    ExpertCache cache = new ExpertCache(List.of(layer.store()), 1000, SETTINGS);
    LeaseSet leases = cache.newLeaseSet();
    leases.begin(0, new int[] {1}, 1);
    assertEquals(1, leases.next(new int[1]));
    assertThrows(IllegalStateException.class, cache::close);
    layer.check(cache.slot(leases.slot(0)), 1);
    leases.close();
    leases.begin(0, new int[] {2}, 1);
    assertEquals(1, leases.next(new int[1]), "open as before");
    leases.close();
    cache.close();
    cache.close();
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void isRefusedWhileAnExpertIsOnItsWayToACall() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 300, 50_000);
    ExpertCache cache = new ExpertCache(List.of(layer.store()), 2 * 50_000, SETTINGS);
    LeaseSet leases = cache.newLeaseSet();
    leases.begin(0, new int[] {0}, 1);
    assertEquals(1, leases.next(new int[1]));
    leases.close();
    for (int expert = 1; expert < 300; expert++) {
      // Expert 0 is there; the other may or may not have arrived, but belongs to this call.
      leases.begin(0, new int[] {0, expert}, 2);
      int[] ready = new int[2];
      int n = leases.next(ready);
      for (int i = 0; i < n; i++) {
        leases.release(ready[i]);
      }
      if (n == 1) {
        assertThrows(IllegalStateException.class, cache::close);
      }
      leases.close();
      // It arrives, or its read had not begun and never does.
      while (cache.statistics().slotBytes() != 50_000L * cache.mask(0).cardinality()) {
        Thread.onSpinWait();
      }
    }
    cache.close();
  }

  @Test
  void waitsForReadsThatNobodyWantsAnyMore() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 40, 50_000);
    long mapped = SharedExperts.bytesMapped();
    for (int turn = 0; turn < 40; turn++) {
      ExpertCache cache = new ExpertCache(List.of(layer.store()), 4 * 50_000, SETTINGS);
      try (LeaseSet leases = cache.newLeaseSet()) {
        leases.begin(0, new int[] {turn, (turn + 1) % 40, (turn + 2) % 40}, 3);
        assertTrue(leases.next(new int[3]) > 0);
      }
      cache.close();
      assertEquals(mapped, SharedExperts.bytesMapped());
      assertEquals(0, cache.statistics().slotBytes(), "nothing is held any more");
    }
  }

  @Test
  void aClosedCacheLeasesNothing() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 3, 500);
    ExpertCache cache = new ExpertCache(List.of(layer.store()), 1500, SETTINGS);
    LeaseSet leases = cache.newLeaseSet();
    leases.begin(0, new int[] {1}, 1);
    assertEquals(1, leases.next(new int[1]));
    leases.close();
    cache.close();
    for (int expert = 0; expert < 3; expert++) {
      leases.begin(0, new int[] {expert}, 1);
      assertThrows(IllegalStateException.class, () -> leases.next(new int[1]));
      leases.close();
    }
  }

  @Test
  void aCacheThatCouldNotBeOpenedLeavesNothingOpen() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 3, 500);
    long mapped = SharedExperts.bytesMapped();
    long files = openFiles();
    int threads = Thread.activeCount();
    for (int turn = 0; turn < 20; turn++) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new ExpertCache(List.of(layer.store()), 499, SETTINGS));
      layer.cutBefore(2);
      IOException e =
          assertThrows(
              IOException.class, () -> new ExpertCache(List.of(layer.store()), 500, SETTINGS));
      assertTrue(e.getMessage().startsWith("layer: " + layer.file() + " has "), e.getMessage());
      layer.repair();
    }
    assertEquals(mapped, SharedExperts.bytesMapped());
    assertEquals(files, openFiles());
    assertEquals(threads, Thread.activeCount());
  }

  private static long openFiles() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    if (!Files.isDirectory(descriptors)) {
      return 0;
    }
    try (var list = Files.list(descriptors)) {
      return list.count();
    }
  }
}
