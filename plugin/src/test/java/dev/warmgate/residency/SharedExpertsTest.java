package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.SharedExperts.Handle;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedExpertsTest {
  private static final CacheSettings SETTINGS = new CacheSettings(1, 4096, false, EvictionKind.LRU);

  @TempDir Path folder;
  private ExpertFixture layer;

  @BeforeEach
  void write() throws IOException {
    layer = new ExpertFixture(folder, "layer", 3, 8, 700);
  }

  private Handle join(String options) throws IOException {
    return SharedExperts.join(
        List.of(layer.store()), options, (_, _) -> 2_100, SETTINGS, Optional.empty());
  }

  private void use(Handle handle, int expert) throws IOException {
    ExpertCache cache = handle.experts().place(0).cache();
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(0, new int[] {expert}, 1);
      assertEquals(1, leases.next(new int[1]));
      layer.check(cache.slot(leases.slot(0)), expert);
    }
  }

  @Test
  void sessionsOfOneModelAndTheSameOptionsShare() throws IOException {
    long mapped = SharedExperts.bytesMapped();
    Handle a = join("x");
    Handle b = join("x");
    Handle other = join("y");
    assertSame(a.experts(), b.experts());
    assertNotSame(a.experts(), other.experts());
    use(a, 3);
    use(b, 3);
    assertEquals(1, b.experts().statistics().loads());
    assertEquals(1, b.experts().statistics().hits());
    assertEquals(0, other.experts().statistics().loads());
    a.close();
    a.close();
    use(b, 3);
    other.close();
    use(b, 4);
    assertEquals(2_100, SharedExperts.bytesMapped() - mapped);
    b.close();
    b.close();
    a.close();
    assertEquals(mapped, SharedExperts.bytesMapped());
    // Nothing of the closed one is left.
    try (Handle again = join("x")) {
      assertEquals(0, again.experts().statistics().loads());
    }
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void otherPlacesInTheFileAreAnotherModel() throws IOException {
    FileRegion region = layer.store().tensors().getFirst();
    var shifted = new FileRegion(region.file(), region.offset() + 1, region.length());
    try (Handle a = join("");
        Handle b =
            SharedExperts.join(
                List.of(new LayerStore("layer", 8, List.of(shifted))),
                "",
                (_, _) -> 2_100,
                SETTINGS,
                Optional.empty())) {
      assertNotSame(a.experts(), b.experts());
    }
  }

  @Test
  void aChangedFileIsNotShared() throws IOException {
    List<Handle> handles = new ArrayList<>();
    handles.add(join(""));
    // Another time, another size, another file of the same size and time.
    Files.setLastModifiedTime(layer.file(), FileTime.fromMillis(1_000_000_000_000L));
    handles.add(join(""));
    Files.write(layer.file(), new byte[1], StandardOpenOption.APPEND);
    Files.setLastModifiedTime(layer.file(), FileTime.fromMillis(1_000_000_000_000L));
    handles.add(join(""));
    Path copy = Files.copy(layer.file(), folder.resolve("copy"));
    Files.setLastModifiedTime(copy, FileTime.fromMillis(1_000_000_000_000L));
    Files.move(copy, layer.file(), StandardCopyOption.REPLACE_EXISTING);
    handles.add(join(""));
    assertEquals(4, handles.stream().map(Handle::experts).distinct().count());
    handles.add(join(""));
    assertSame(handles.get(3).experts(), handles.get(4).experts());
    handles.forEach(Handle::close);
  }

  @Test
  void whatCannotBeOpenedIsNotKept() throws IOException {
    long mapped = SharedExperts.bytesMapped();
    layer.cutBefore(1);
    assertThrows(IOException.class, () -> join(""));
    layer.repair();
    assertThrows(
        IllegalArgumentException.class,
        () ->
            SharedExperts.join(
                List.of(layer.store()), "", (_, _) -> 699, SETTINGS, Optional.empty()));
    join("").close();
    Path moved = Files.move(layer.file(), folder.resolve("moved"));
    IOException e = assertThrows(IOException.class, () -> join(""));
    assertEquals("layer: %s is missing or no file".formatted(layer.file()), e.getMessage());
    Files.createDirectory(layer.file());
    assertThrows(IOException.class, () -> join(""));
    assertTrue(Files.exists(moved));
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void statisticsKeepWhatClosedCachesDid() throws IOException {
    ResidencyStats before = SharedExperts.statistics();
    try (Handle a = join("");
        Handle b = join("b")) {
      use(a, 1);
      use(a, 1);
      use(b, 1);
    }
    ResidencyStats after = SharedExperts.statistics();
    assertEquals(1, after.hits() - before.hits());
    assertEquals(2, after.misses() - before.misses());
    assertEquals(2, after.loads() - before.loads());
    assertEquals(2 * 700, after.bytesRead() - before.bytesRead());
    assertEquals(before.slotBytes(), after.slotBytes());
    assertEquals(before.budgetBytes(), after.budgetBytes());
  }

  @Test
  void aHandleThatCouldNotBeClosedCanBeClosedLater() throws IOException {
    long mapped = SharedExperts.bytesMapped();
    Handle handle = join("");
    ExpertCache cache = handle.experts().place(0).cache();
    LeaseSet leases = cache.newLeaseSet();
    leases.begin(0, new int[] {5}, 1);
    assertEquals(1, leases.next(new int[1]));
    assertThrows(IllegalStateException.class, handle::close);
    layer.check(cache.slot(leases.slot(0)), 5);
    leases.close();
    handle.close();
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void manyThreadsJoinUseAndClose() throws Exception {
    long mapped = SharedExperts.bytesMapped();
    ResidencyStats before = SharedExperts.statistics();
    List<Future<Integer>> tasks = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(6)) {
      for (int t = 0; t < 6; t++) {
        int seed = t;
        tasks.add(
            pool.submit(
                () -> {
                  Random random = new Random(seed);
                  int uses = 0;
                  for (int i = 0; i < 60; i++) {
                    try (Handle handle = join("options " + random.nextInt(2))) {
                      for (int u = random.nextInt(4); u > 0; u--) {
                        use(handle, random.nextInt(8));
                        uses++;
                      }
                    }
                  }
                  return uses;
                }));
      }
    }
    int uses = 0;
    for (Future<Integer> task : tasks) {
      uses += task.get();
    }
    ResidencyStats after = SharedExperts.statistics();
    assertEquals(uses, after.hits() + after.misses() - before.hits() - before.misses());
    assertEquals(mapped, SharedExperts.bytesMapped());
  }
}
