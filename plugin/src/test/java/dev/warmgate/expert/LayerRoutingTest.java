package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.config.RoutingOptions;
import dev.warmgate.config.RoutingOptions.Mode;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Tier;
import dev.warmgate.metrics.ControllerState;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.ExpertCache;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.residency.LeaseSet;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.Selection;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a layer's options become, and what follows from a selection. The layer is the second. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LayerRoutingTest {
  private static final int EXPERTS = 8;
  private static final int BYTES = 64;
  private static final int LAYER = 1;

  @TempDir Path folder;
  private SharedExperts.Handle handle;
  private ExpertCache cache;

  /** Opens a cache of so many slots and makes experts of the layer resident. */
  private void open(int slots, int... residents) throws IOException {
    Path file = Files.write(folder.resolve("experts.bin"), new byte[2 * EXPERTS * BYTES]);
    List<LayerStore> layers =
        IntStream.range(0, 2)
            .mapToObj(
                layer ->
                    new LayerStore(
                        "layer " + layer,
                        EXPERTS,
                        List.of(
                            new FileRegion(file, (long) layer * EXPERTS * BYTES, EXPERTS * BYTES))))
            .toList();
    handle =
        SharedExperts.join(
            layers,
            folder.toString(),
            (_, _) -> (long) slots * BYTES,
            new CacheSettings(2, BYTES, false, EvictionKind.LRU),
            Optional.empty());
    cache = handle.experts().place(LAYER).cache();
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(LAYER, residents, residents.length);
      for (int n = 0; n < residents.length; ) {
        n = leases.next(new int[residents.length]);
      }
    }
  }

  @AfterEach
  void close() {
    handle.close();
  }

  private LayerRouting routing(int topK, RoutingOptions options) {
    return routing(topK, options, true);
  }

  private LayerRouting routing(int topK, RoutingOptions options, boolean counted) {
    return new LayerRouting(
        Kernels.of(Tier.SCALAR), GateRule.moe(EXPERTS, topK, true), options, counted, cache, LAYER);
  }

  private static RoutingOptions options(Mode mode, float lambda, int keepTop, int maxRank) {
    return new RoutingOptions(
        mode,
        lambda,
        OptionalInt.of(keepTop),
        OptionalInt.of(maxRank),
        OptionalDouble.empty(),
        0.95,
        0);
  }

  /** Routes one token and learns from it; returns whom it chose. */
  private static List<Integer> token(LayerRouting routing, int topK, float... logits) {
    try (Arena arena = Arena.ofConfined();
        Selection selection = new Selection(topK)) {
      routing.route(arena.allocateFrom(ValueLayout.JAVA_FLOAT, logits), 1, selection);
      routing.learn(selection);
      return IntStream.range(0, topK).map(selection::expert).boxed().toList();
    }
  }

  /** Falling logits: expert 0 is wanted most. */
  private static float[] falling(float step) {
    float[] logits = new float[EXPERTS];
    for (int e = 0; e < EXPERTS; e++) {
      logits[e] = -step * e;
    }
    return logits;
  }

  private void awaitQuiet() {
    while (cache.statistics().slotBytes() != (long) BYTES * cache.mask(LAYER).cardinality()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void everyModeIsItsPolicy() throws IOException {
    open(8, 3);
    float wide = 1000;
    for (Mode mode : Mode.values()) {
      // Of experts 1, 2 and 3, only 3 is resident; 0 is kept by keep_top.
      try (LayerRouting routing = routing(2, options(mode, 0.5f, 1, 4))) {
        List<Integer> chosen = token(routing, 2, falling(wide));
        boolean displaces = mode == Mode.CACHE_PRIOR || mode == Mode.MAX_RANK;
        assertEquals(displaces ? List.of(0, 3) : List.of(0, 1), chosen, mode.toString());
      }
      awaitQuiet();
      handle.close();
      open(8, 3);
    }
    // A fixed bonus is enough only for logits close together.
    try (LayerRouting routing = routing(1, options(Mode.ADDITIVE, 0.5f, 1, 4))) {
      assertEquals(List.of(3), token(routing, 1, falling(0.1f)));
    }
    awaitQuiet();
  }

  @Test
  void theRankThatMayBeTakenIsBounded() throws IOException {
    open(8, 3);
    for (int maxRank = 1; maxRank <= 8; maxRank++) {
      try (LayerRouting routing = routing(1, options(Mode.MAX_RANK, 0, 0, maxRank))) {
        List<Integer> expected = List.of(maxRank >= 4 ? 3 : 0);
        assertEquals(expected, token(routing, 1, falling(1)), "max_rank " + maxRank);
      }
      awaitQuiet();
      handle.close();
      open(8, 3);
    }
  }

  @Test
  void whatWasDisplacedIsWantedAndReadInTheBackground() throws IOException {
    // One slot: the guess gets it only if it is warmer than the expert that replaced it.
    open(1, 3);
    try (LayerRouting routing = routing(1, options(Mode.MAX_RANK, 0, 0, 8))) {
      for (int attempt = 0; attempt < 1_000 && !cache.mask(LAYER).contains(0); attempt++) {
        // The gate wanted 0, not 3; the reader may still look busy with 3.
        token(routing, 1, falling(1));
        awaitQuiet();
      }
      assertTrue(cache.mask(LAYER).contains(0));
      assertFalse(cache.mask(LAYER).contains(3));
      assertEquals(1, cache.statistics().prefetches());
    }
  }

  @Test
  void whatWasDisplacedButOnceIsNotWorthARead() throws IOException {
    open(1, 3);
    // Lets the reader come back from expert 3, so that it could take a guess.
    LockSupport.parkNanos(20_000_000);
    try (LayerRouting routing = routing(1, options(Mode.MAX_RANK, 0, 0, 8))) {
      token(routing, 1, falling(1));
      awaitQuiet();
      assertEquals(0, cache.statistics().prefetches());
      assertTrue(cache.mask(LAYER).contains(3));
    }
  }

  @Test
  void countsWhatAPolicyDidAndNothingOfTheModelsOwnChoice() throws IOException {
    open(8, 3, 4);
    try (LayerRouting lossless = routing(2, options(Mode.LOSSLESS, 0, 0, 1))) {
      assertEquals(List.of(0, 1), token(lossless, 2, falling(1)));
      assertEquals(new RoutingStats(0, 0, 0, 0, 0, 0), lossless.statistics());
      assertEquals(0, cache.statistics().prefetches());
    }
    try (LayerRouting routing = routing(2, options(Mode.MAX_RANK, 0.5f, 1, 8))) {
      assertEquals(List.of(0, 3), token(routing, 2, falling(1)));
      RoutingStats stats = routing.statistics();
      double kept = (1 + Math.exp(-3)) / (1 + Math.exp(-1));
      assertEquals(new RoutingStats(1, 2, 1, 1, stats.keptSum(), 0.5f), stats);
      assertEquals(kept, stats.keptSum(), 1e-6);
    }
    awaitQuiet();
  }

  @Test
  void countsNothingWithoutMetricsAndLearnsAllTheSame() throws IOException {
    open(1, 3);
    try (LayerRouting routing = routing(1, options(Mode.MAX_RANK, 0, 0, 8), false)) {
      for (int attempt = 0; attempt < 1_000 && !cache.mask(LAYER).contains(0); attempt++) {
        assertEquals(
            cache.mask(LAYER).contains(0) ? List.of(0) : List.of(3), token(routing, 1, falling(1)));
        awaitQuiet();
      }
      assertTrue(cache.mask(LAYER).contains(0));
      assertEquals(new RoutingStats(0, 0, 0, 0, 0, 0), routing.statistics());
    }
  }

  @Test
  void hitsAreCountedUnlessTheCallerSaysNo() throws IOException {
    open(2, 3);
    long before = cache.statistics().hits() + cache.statistics().misses();
    for (boolean counting : new boolean[] {false, true}) {
      try (LeaseSet leases = cache.newLeaseSet(counting)) {
        leases.begin(LAYER, new int[] {3, 5}, 2);
        for (int n = 0; n < 2; ) {
          n = leases.next(new int[2]);
        }
      }
      long asked = cache.statistics().hits() + cache.statistics().misses() - before;
      assertEquals(counting ? 2 : 0, asked);
    }
  }

  @Test
  void adaptsIfATargetIsGiven() throws IOException {
    open(8);
    var options =
        new RoutingOptions(
            Mode.CACHE_PRIOR,
            0.1f,
            OptionalInt.of(2),
            OptionalInt.empty(),
            OptionalDouble.of(1),
            0.5,
            0);
    try (LayerRouting adaptive = routing(2, options);
        LayerRouting fixed = routing(2, options(Mode.CACHE_PRIOR, 0.1f, 2, 12))) {
      for (int i = 0; i < 64; i++) {
        token(adaptive, 2, falling(1));
        token(fixed, 2, falling(1));
      }
      assertTrue(adaptive.statistics().lambda() > 0.1f);
      ControllerState state = adaptive.controller().orElseThrow();
      assertEquals(adaptive.statistics().lambda(), state.lambda());
      assertEquals(2, state.periods());
      assertTrue(fixed.controller().isEmpty());
      assertEquals(0.1f, fixed.statistics().lambda());
    }
    awaitQuiet();
  }
}
