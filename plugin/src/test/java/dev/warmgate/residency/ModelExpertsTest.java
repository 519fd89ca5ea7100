package dev.warmgate.residency;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ModelExpertsTest {
  private static final CacheSettings SETTINGS = new CacheSettings(1, 4096, false, EvictionKind.LRU);

  @TempDir Path folder;

  private List<ExpertFixture> layers(int[]... expertsAndBytes) throws IOException {
    List<ExpertFixture> layers = new ArrayList<>();
    for (int[] layer : expertsAndBytes) {
      layers.add(
          new ExpertFixture(folder, "moe_" + layers.size(), layers.size(), layer[0], layer[1]));
    }
    return layers;
  }

  private static List<LayerStore> stores(List<ExpertFixture> layers) {
    return layers.stream().map(ExpertFixture::store).toList();
  }

  @Test
  void layersOfOneSizeShareACacheAndSizesGetWhatTheirExpertsWeigh() throws IOException {
    // 16 kB, 8 kB and 16 kB; half of it.
    var layers = layers(new int[] {16, 1000}, new int[] {4, 2000}, new int[] {16, 1000});
    try (var experts = new ModelExperts(stores(layers), 20_000, SETTINGS)) {
      assertSame(experts.place(0).cache(), experts.place(2).cache());
      assertNotSame(experts.place(0).cache(), experts.place(1).cache());
      assertEquals(
          List.of(0, 0, 1), List.of(index(experts, 0), index(experts, 1), index(experts, 2)));
      assertEquals(16, experts.place(0).cache().slots());
      assertEquals(2, experts.place(1).cache().slots());
      assertEquals(20_000, experts.statistics().budgetBytes());
    }
  }

  private static int index(ModelExperts experts, int layer) {
    return experts.place(layer).index();
  }

  @Test
  void aBudgetForAllHasASlotForEach() throws IOException {
    int[][] sizes = {{8, 30_922}, {31, 3_065_139}};
    List<LayerStore> layers = new ArrayList<>();
    for (int[] size : sizes) {
      // Nothing is written: the file takes no room.
      Path file = folder.resolve("moe_" + layers.size());
      long bytes = (long) size[0] * size[1];
      try (var channel = FileChannel.open(file, CREATE_NEW, WRITE)) {
        channel.write(ByteBuffer.allocate(1), bytes - 1);
      }
      layers.add(new LayerStore("moe", size[0], List.of(new FileRegion(file, 0, bytes))));
    }
    long all = layers.stream().mapToLong(LayerStore::bytes).sum();
    try (var experts = new ModelExperts(layers, all, SETTINGS)) {
      assertEquals(8, experts.place(0).cache().slots());
      assertEquals(31, experts.place(1).cache().slots());
    }
  }

  @Test
  void aBudgetTooSmallToDivideIsOneCache() throws IOException {
    var layers = layers(new int[] {16, 1000}, new int[] {4, 2000}, new int[] {16, 1000});
    try (var experts = new ModelExperts(stores(layers), 4_500, SETTINGS)) {
      Set<ExpertCache> caches = new HashSet<>();
      for (int l = 0; l < 3; l++) {
        caches.add(experts.place(l).cache());
      }
      assertEquals(1, caches.size());
      assertEquals(2, experts.place(0).cache().slots());
      check(layers, experts);
      assertTrue(experts.statistics().peakSlotBytes() <= 4_500);
    }
  }

  @Test
  void aBudgetBelowTheLargestExpertNamesOptionLayerAndSizes() throws IOException {
    var layers = layers(new int[] {16, 1000}, new int[] {4, 2000}, new int[] {16, 1000});
    long mapped = SharedExperts.bytesMapped();
    for (long budget : new long[] {Long.MIN_VALUE, -1, 0, 1, 1000, 1999}) {
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new ModelExperts(stores(layers), budget, SETTINGS));
      assertEquals(
          "option expert_memory: %d bytes is less than one expert of moe_1 (2000 bytes)"
              .formatted(budget),
          e.getMessage());
    }
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void randomBudgetsAreNeverExceededAndEveryExpertCanBeHad() throws IOException {
    for (int seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      int[][] shapes = new int[1 + random.nextInt(5)][];
      for (int l = 0; l < shapes.length; l++) {
        shapes[l] = new int[] {1 + random.nextInt(9), 1000 * (1 + random.nextInt(3))};
      }
      var layers = layers(shapes);
      long total = stores(layers).stream().mapToLong(LayerStore::bytes).sum();
      long largest = stores(layers).stream().mapToLong(LayerStore::expertBytes).max().orElse(0);
      long budget = largest + random.nextLong(2 * total);
      long mapped = SharedExperts.bytesMapped();
      try (var experts = new ModelExperts(stores(layers), budget, SETTINGS)) {
        String what = "seed %d, budget %d of %d".formatted(seed, budget, total);
        long taken = SharedExperts.bytesMapped() - mapped;
        assertTrue(taken <= budget, what + ": mapped " + taken);
        check(layers, experts);
        assertTrue(experts.statistics().peakSlotBytes() <= taken, what);
        assertTrue(experts.statistics().budgetBytes() <= budget, what);
        if (budget >= total) {
          // All fit, whatever their sizes: the second time nothing is read.
          long loads = experts.statistics().loads();
          check(layers, experts);
          assertEquals(loads, experts.statistics().loads(), what);
        }
      }
      assertEquals(mapped, SharedExperts.bytesMapped());
    }
  }

  private static void check(List<ExpertFixture> layers, ModelExperts experts) throws IOException {
    for (int l = 0; l < layers.size(); l++) {
      ModelExperts.Place place = experts.place(l);
      try (LeaseSet leases = place.cache().newLeaseSet()) {
        for (int e = 0; e < layers.get(l).store().experts(); e++) {
          leases.begin(place.index(), new int[] {e}, 1);
          assertEquals(1, leases.next(new int[1]));
          layers.get(l).check(place.cache().slot(leases.slot(0)), e);
          leases.release(0);
        }
      }
    }
  }

  @Test
  void ifOneCacheCannotBeOpenedNoneIs() throws IOException {
    var layers = layers(new int[] {16, 1000}, new int[] {4, 2000});
    Files.delete(layers.get(1).file());
    long mapped = SharedExperts.bytesMapped();
    assertThrows(IOException.class, () -> new ModelExperts(stores(layers), 20_000, SETTINGS));
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void aRefusedCloseClosesNothingAndCanBeRepeated() throws IOException {
    var layers = layers(new int[] {4, 1000}, new int[] {4, 2000});
    long mapped = SharedExperts.bytesMapped();
    var experts = new ModelExperts(stores(layers), 12_000, SETTINGS);
    LeaseSet leases = experts.place(1).cache().newLeaseSet();
    leases.begin(0, new int[] {3}, 1);
    assertEquals(1, leases.next(new int[1]));
    assertThrows(IllegalStateException.class, experts::close);
    layers.get(1).check(experts.place(1).cache().slot(leases.slot(0)), 3);
    leases.close();
    experts.close();
    assertEquals(mapped, SharedExperts.bytesMapped());
  }
}
