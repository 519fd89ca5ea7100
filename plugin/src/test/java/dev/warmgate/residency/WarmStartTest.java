package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.SharedExperts.Handle;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was hot when the caches of a model were closed is read when they are opened again. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WarmStartTest {
  private static final int EXPERTS = 10;
  private static final int BYTES = 3_000;

  @TempDir Path folder;
  private Path state;
  private List<ExpertFixture> layers;

  @BeforeEach
  void write() throws IOException {
    state = folder.resolve("not").resolve("there yet");
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, EXPERTS, BYTES),
            new ExpertFixture(folder, "b", 2, EXPERTS, BYTES));
  }

  private static CacheSettings settings(int ioThreads) {
    return new CacheSettings(ioThreads, 1_000, false, EvictionKind.LFU);
  }

  private Handle join(int slots, int ioThreads) throws IOException {
    return SharedExperts.join(
        layers.stream().map(ExpertFixture::store).toList(),
        "",
        (_, _) -> (long) slots * BYTES,
        settings(ioThreads),
        Optional.of(state));
  }

  private void use(Handle handle, int layer, int... wanted) throws IOException {
    ModelExperts.Place place = handle.experts().place(layer);
    use(place.cache(), place.index(), wanted);
  }

  private void use(ExpertCache cache, int layer, int... wanted) throws IOException {
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

  private static ResidencyMask mask(Handle handle, int layer) {
    ModelExperts.Place place = handle.experts().place(layer);
    return place.cache().mask(place.index());
  }

  private static List<Integer> residents(Handle handle, int layer) {
    return IntStream.range(0, EXPERTS).filter(mask(handle, layer)::contains).boxed().toList();
  }

  private static void awaitResidents(Handle handle, int count) {
    while (mask(handle, 0).cardinality() + mask(handle, 1).cardinality() < count) {
      Thread.onSpinWait();
    }
  }

  private List<Path> stateFiles() throws IOException {
    try (var files = Files.list(state)) {
      return files.toList();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void whatWasResidentIsReadInTheBackground(int ioThreads) throws IOException {
    try (Handle first = join(20, 2)) {
      use(first, 0, 1, 2, 3, 8);
      use(first, 1, 0, 5, 9);
      assertEquals(0, first.experts().statistics().prefetches(), "there was nothing to begin with");
    }
    try (Handle second = join(20, ioThreads)) {
      awaitResidents(second, 7);
      assertEquals(List.of(1, 2, 3, 8), residents(second, 0));
      assertEquals(List.of(0, 5, 9), residents(second, 1));
      use(second, 0, 1, 2, 3, 8);
      use(second, 1, 0, 5, 9);
      ResidencyStats stats = second.experts().statistics();
      assertEquals(7, stats.hits());
      assertEquals(0, stats.misses());
      assertEquals(7, stats.prefetches());
      assertEquals(7, stats.loads());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void ofAllLayersTheHottestComeFirstAndTheBudgetHolds(int ioThreads) throws IOException {
    // One slot too few for all experts: otherwise nothing is learned of them.
    try (Handle first = join(19, 1)) {
      for (int turn = 0; turn < 5; turn++) {
        use(first, 0, Arrays.copyOf(new int[] {7, 2, 9, 4, 1}, 5 - turn));
        use(first, 1, Arrays.copyOf(new int[] {0, 8, 3, 6, 5}, 5 - turn));
      }
    }
    for (int slots = 1; slots < 10; slots++) {
      try (Handle second = join(slots, ioThreads)) {
        awaitResidents(second, slots);
        List<Integer> a = List.of(7, 2, 9, 4, 1).subList(0, (slots + 1) / 2);
        List<Integer> b = List.of(0, 8, 3, 6, 5).subList(0, slots / 2);
        assertEquals(a.stream().sorted().toList(), residents(second, 0), slots + " slots");
        assertEquals(b.stream().sorted().toList(), residents(second, 1), slots + " slots");
        assertEquals((long) slots * BYTES, second.experts().statistics().peakSlotBytes());
        // Nobody has used them: the hot set is not forgotten for that.
      }
    }
  }

  @Test
  void demandsAreReadFirstAndTheRestAfterThem() throws Exception {
    var free = new CountDownLatch(1);
    List<Long> order = Collections.synchronizedList(new ArrayList<>());
    LayerStore store = layers.getFirst().store();
    long start = store.tensors().getFirst().offset();
    try (var cache =
            new ExpertCache(
                List.of(store),
                (long) EXPERTS * BYTES,
                new CacheSettings(1, BYTES, false, EvictionKind.LFU),
                FaultySource.opener(
                    (file, _, target, position) -> {
                      order.add((position - start) / BYTES);
                      FaultySource.await(free);
                      return file.read(target, position);
                    }));
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      for (int expert = 0; expert < 6; expert++) {
        cache.fill(0, expert);
      }
      while (order.isEmpty()) {
        Thread.onSpinWait();
      }
      Future<?> call =
          other.submit(
              () -> {
                use(cache, 0, 9, 8, 5);
                return null;
              });
      while (cache.statistics().misses() < 3 || cache.statistics().slotBytes() < 4L * BYTES) {
        Thread.onSpinWait();
      }
      free.countDown();
      call.get();
      while (cache.mask(0).cardinality() < 8) {
        Thread.onSpinWait();
      }
      assertEquals(List.of(0L, 9L, 8L, 5L, 1L, 2L, 3L, 4L), order);
    }
  }

  /** A demand that is given up before it is read ends without telling anybody. */
  @Test
  void fillingGoesOnWhenTheLastDemandIsGivenUp() throws IOException {
    for (int turn = 0; turn < 60; turn++) {
      try (var cache =
          new ExpertCache(
              List.of(layers.getFirst().store()), (long) EXPERTS * BYTES, settings(1))) {
        LeaseSet leases = cache.newLeaseSet();
        for (int expert = 0; expert < 4; expert++) {
          cache.fill(0, expert);
        }
        leases.begin(0, new int[] {7, 8, 9}, 3);
        leases.request();
        for (int i = 0; i < turn; i++) {
          Thread.onSpinWait();
        }
        leases.close();
        while (IntStream.range(0, 4).filter(cache.mask(0)::contains).count() < 4) {
          Thread.onSpinWait();
        }
      }
    }
  }

  @Test
  void whatDoesNotFitIsForgotten() throws IOException {
    try (var cache = new ExpertCache(List.of(layers.getFirst().store()), 2L * BYTES, settings(1))) {
      for (int expert = 0; expert < EXPERTS; expert++) {
        cache.fill(0, expert);
      }
      while (cache.mask(0).cardinality() < 2) {
        Thread.onSpinWait();
      }
      use(cache, 0, 8, 9);
      use(cache, 0, 8, 9);
      assertEquals(2, cache.statistics().hits());
      assertEquals(4, cache.statistics().loads(), "nothing is filled in for what was evicted");
    }
  }

  @Test
  void theFileHoldsHotSetAndStatistics() throws IOException {
    try (Handle first = join(19, 1)) {
      use(first, 0, 4, 6);
      use(first, 0, 6);
      use(first, 1, 9);
    }
    assertEquals(1, stateFiles().size());
    JsonObject json =
        JsonParser.parseString(Files.readString(stateFiles().getFirst())).getAsJsonObject();
    JsonObject statistics = json.getAsJsonObject("statistics");
    assertEquals(1, statistics.get("hits").getAsLong());
    assertEquals(3, statistics.get("misses").getAsLong());
    assertEquals(3L * BYTES, statistics.get("bytesRead").getAsLong());
    assertEquals(
        "[{\"name\":\"a\",\"experts\":10,\"hot\":[6,4]},{\"name\":\"b\",\"experts\":10,\"hot\":[9]}]",
        json.getAsJsonObject("hotSet").get("layers").toString());
  }

  @Test
  void theFileIsReplacedAsAWholeAndNothingElseIsLeft() throws Exception {
    try (Handle first = join(20, 1)) {
      use(first, 0, 4);
    }
    Path file = stateFiles().getFirst();
    var done = new AtomicBoolean();
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<Integer> reader =
          other.submit(
              () -> {
                int reads = 0;
                while (!done.get()) {
                  assertTrue(new StateFile(file).read().isPresent());
                  reads++;
                }
                return reads;
              });
      try {
        for (int turn = 0; turn < 100; turn++) {
          try (Handle again = join(20, 1)) {
            use(again, turn % 2, turn % EXPERTS);
          }
        }
      } finally {
        done.set(true);
      }
      assertTrue(reader.get() > 0);
    }
    assertEquals(List.of(file), stateFiles());
  }

  @Test
  void cachesThatNobodyUsedKeepWhatWasKnown() throws IOException {
    try (Handle first = join(20, 1)) {
      use(first, 0, 4, 6);
    }
    String before = Files.readString(stateFiles().getFirst());
    join(20, 1).close();
    assertEquals(before, Files.readString(stateFiles().getFirst()));
  }

  @Test
  void withoutAFolderNothingIsWritten() throws IOException {
    Files.createDirectories(state);
    try (Handle cold =
        SharedExperts.join(
            List.of(layers.getFirst().store()),
            "",
            (_, _) -> 5L * BYTES,
            settings(1),
            Optional.empty())) {
      use(cold, 0, 3);
    }
    assertEquals(List.of(), stateFiles());
  }

  @Test
  void aFolderThatCannotBeWrittenHarmsNobody() throws IOException {
    // A file where the folder should be: not even root can write there.
    Files.createDirectories(state.getParent());
    Files.writeString(state, "no folder");
    long mapped = SharedExperts.bytesMapped();
    for (int turn = 0; turn < 2; turn++) {
      try (Handle handle = join(20, 1)) {
        use(handle, 0, 3);
        assertEquals(0, handle.experts().statistics().prefetches());
      }
    }
    assertEquals("no folder", Files.readString(state));
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void whatAnotherModelLeftIsNotTaken() throws IOException {
    try (Handle first = join(20, 1)) {
      use(first, 0, 4, 6);
      use(first, 1, 1);
    }
    StateFile file = new StateFile(stateFiles().getFirst());
    var a = new HotSet.Layer("a", EXPERTS, List.of(4));
    var b = new HotSet.Layer("b", EXPERTS, List.of(1, 2));
    for (List<HotSet.Layer> foreign :
        List.of(
            List.<HotSet.Layer>of(),
            List.of(a),
            List.of(a, b, b),
            List.of(new HotSet.Layer("A", EXPERTS, List.of(4)), b),
            List.of(new HotSet.Layer("a", EXPERTS + 1, List.of(4, 10)), b),
            List.of(new HotSet.Layer("a", 5, List.of(4)), b),
            List.of(b, a))) {
      file.write(new HotSet(foreign), ResidencyStats.NONE);
      try (Handle handle = join(20, 1)) {
        boolean half = foreign.size() == 2 && foreign.get(1).equals(b);
        awaitResidents(handle, half ? 2 : 0);
        use(handle, 0, 3);
        assertFalse(mask(handle, 0).contains(4), foreign.toString());
        assertEquals(half ? 2 : 0, handle.experts().statistics().prefetches(), foreign.toString());
      }
    }
  }

  /** As when a host ends while it runs: worths change while experts are put in order. */
  @ParameterizedTest
  @ValueSource(strings = {"LEARNED", "LRU", "RANDOM"})
  void theHotSetCanBeHadWhileTheModelRuns(EvictionKind kind) throws Exception {
    int experts = 300;
    var many = new ExpertFixture(folder, "many", 3, experts, 16);
    // One slot less than experts, so that the policy is told of every use.
    try (var cache =
            new ExpertCache(
                List.of(many.store()),
                (experts - 1) * 16L,
                new CacheSettings(1, 4_096, false, kind));
        ExecutorService other = Executors.newSingleThreadExecutor();
        LeaseSet leases = cache.newLeaseSet()) {
      int[] wanted = IntStream.range(0, experts - 1).toArray();
      leases.begin(0, wanted, wanted.length);
      for (int n = 0; n < wanted.length; ) {
        n = leases.next(new int[wanted.length]);
      }
      var done = new AtomicBoolean();
      Future<?> runs =
          other.submit(
              () -> {
                for (int i = 0; !done.get(); i++) {
                  cache.used(0, new int[] {i % experts, (i * 7 + 3) % experts}, 2);
                }
              });
      try {
        for (int turn = 0; turn < 100; turn++) {
          List<Integer> hot = cache.hot(0);
          assertEquals(experts - 1, hot.stream().distinct().count());
        }
      } finally {
        done.set(true);
      }
      runs.get();
    }
  }
}
