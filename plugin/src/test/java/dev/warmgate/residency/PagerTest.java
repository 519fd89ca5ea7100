package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.ExpertStore.PartRead;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PagerTest {
  @TempDir Path folder;

  /** What a pager told of its loads. */
  private static final class Finished {
    final ConcurrentHashMap<Integer, IOException> failures = new ConcurrentHashMap<>();
    final AtomicInteger count = new AtomicInteger();

    void add(Load load) {
      count.incrementAndGet();
      if (load.failure() != null) {
        failures.put(load.slot(), load.failure());
      }
    }
  }

  @Test
  void chunksOfAnySizeFillTheWholeTarget() throws IOException {
    for (int seed = 1; seed <= 30; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(6);
      int[] parts = random.ints(1 + random.nextInt(4), 1, 40_000).toArray();
      var layer = new ExpertFixture(folder, "layer" + seed, seed, experts, parts);
      long bytes = layer.store().expertBytes();
      int readBytes = random.nextBoolean() ? 1 + random.nextInt(5000) + 100 : 1 << 16;
      int threads = 1 + random.nextInt(4);
      String what =
          "seed %d: %d experts, reads of %d, %d threads"
              .formatted(seed, experts, readBytes, threads);
      try (Arena arena = Arena.ofShared();
          ExpertStore store = ExpertStore.open(List.of(layer.store()), random.nextBoolean())) {
        Finished finished = new Finished();
        Pager pager = new Pager(threads, readBytes, finished::add, () -> {});
        List<MemorySegment> targets = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
          targets.add(arena.allocate(bytes, 1));
          pager.submit(new Load(e, "", targets.get(e), store.reads(0, e), readBytes, _ -> {}));
        }
        // Queued or not: what was submitted is finished.
        pager.close();
        assertEquals(experts, finished.count.get(), what);
        assertTrue(finished.failures.isEmpty(), what + finished.failures);
        assertEquals(experts * bytes, pager.bytesRead(), what);
        for (int e = 0; e < experts; e++) {
          layer.check(targets.get(e), e);
        }
      }
    }
  }

  @Test
  void aFailedChunkFailsItsLoadAndNoOther() throws IOException {
    var whole = new ExpertFixture(folder, "whole", 1, 1, 50_000);
    var cut = new ExpertFixture(folder, "cut", 2, 3, 30_000);
    try (Arena arena = Arena.ofShared();
        ExpertStore store = ExpertStore.open(List.of(whole.store(), cut.store()), false)) {
      cut.cutBefore(2);
      for (int seed = 1; seed <= 20; seed++) {
        Finished finished = new Finished();
        Pager pager = new Pager(1 + seed % 4, 1000 + 500 * seed, finished::add, () -> {});
        List<MemorySegment> targets = new ArrayList<>();
        List<Load> loads = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          MemorySegment target = arena.allocate(80_000, 1);
          targets.add(target);
          // Every third load ends, begins or continues in the part that is gone.
          List<PartRead> good = moved(store.reads(0, 0), 0);
          List<PartRead> bad = moved(store.reads(1, 2), 50_000);
          List<PartRead> reads = new ArrayList<>(good);
          reads.addAll(i % 3 == 0 ? bad : moved(store.reads(1, 1), 50_000));
          if (i % 2 == 0) {
            Collections.reverse(reads);
          }
          loads.add(new Load(i, "layer l, expert " + i, target, reads, 1000 + 500 * seed, _ -> {}));
        }
        loads.forEach(pager::submit);
        pager.close();
        assertEquals(12, finished.count.get(), "turn " + seed);
        for (int i = 0; i < 12; i++) {
          IOException failure = finished.failures.get(i);
          if (i % 3 == 0) {
            String message = failure.getMessage();
            assertTrue(message.startsWith("layer l, expert %d: reading ".formatted(i)), message);
            assertTrue(message.contains(" of %s failed: ".formatted(cut.file())), message);
            assertTrue(message.lines().count() == 1, message);
          } else {
            assertNull(failure, "turn " + seed);
            whole.check(targets.get(i), 0);
            cut.check(targets.get(i).asSlice(50_000), 1);
          }
        }
      }
    }
  }

  private static List<PartRead> moved(List<PartRead> reads, long by) {
    return reads.stream()
        .map(r -> new PartRead(r.file(), r.fileOffset(), r.slotOffset() + by, r.length()))
        .toList();
  }

  @Test
  void bytesThatCouldNotBeReadAreNotCounted() throws IOException {
    var cut = new ExpertFixture(folder, "cut", 2, 2, 30_000);
    try (Arena arena = Arena.ofShared();
        ExpertStore store = ExpertStore.open(List.of(cut.store()), false)) {
      cut.cutBefore(1);
      Pager pager = new Pager(1, 30_000, load -> {}, () -> {});
      for (int e = 0; e < 2; e++) {
        pager.submit(
            new Load(e, "", arena.allocate(30_000, 1), store.reads(0, e), 30_000, _ -> {}));
      }
      pager.close();
      assertEquals(30_000, pager.bytesRead());
    }
  }

  @Test
  void aClosedPagerTakesNothing() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 2, 1, 100);
    try (Arena arena = Arena.ofShared();
        ExpertStore store = ExpertStore.open(List.of(layer.store()), false)) {
      Pager pager = new Pager(2, 4096, load -> {}, () -> {});
      pager.close();
      pager.close();
      Load load = new Load(0, "", arena.allocate(100), store.reads(0, 0), 4096, _ -> {});
      assertThrows(IllegalStateException.class, () -> pager.submit(load));
    }
  }

  @Test
  void aCheckThatRunsOutOfMemoryFailsItsLoadAndNoOther() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 2, 100);
    try (Arena arena = Arena.ofShared();
        ExpertStore store = ExpertStore.open(List.of(layer.store()), false)) {
      Finished finished = new Finished();
      Pager pager = new Pager(1, 4096, finished::add, () -> {});
      MemorySegment target = arena.allocate(100);
      Load.Check noMemory =
          _ -> {
            throw new OutOfMemoryError("none");
          };
      pager.submit(new Load(0, "layer, expert 0", target, store.reads(0, 0), 100, noMemory));
      pager.submit(new Load(1, "layer, expert 1", target, store.reads(0, 1), 100, _ -> {}));
      pager.close();
      assertEquals(2, finished.count.get());
      assertEquals(List.of(0), List.copyOf(finished.failures.keySet()));
      assertEquals(
          "layer, expert 0: java.lang.OutOfMemoryError: none",
          finished.failures.get(0).getMessage());
    }
  }
}
