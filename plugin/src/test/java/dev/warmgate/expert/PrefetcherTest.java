package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.LeaseSet;
import dev.warmgate.residency.ModelExperts.Place;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of forecasts that are right, wrong, or not needed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrefetcherTest {
  private static final int EXPERTS = 16;
  private static final GateRule ONE_OF_ALL = GateRule.moe(EXPERTS, 1, true);
  private static final FfnShape SHAPE = FfnShape.of(4, 3, Activation.SILU);

  @TempDir Path folder;
  private final List<LayerFixture> layers = new ArrayList<>();
  private final Said forecaster = new Said();
  private SharedExperts.Handle handle;
  private Prefetcher prefetcher;
  private long allocated;
  private long mapped;

  /** Says what it is told to of the second layer, and of the first one nothing. */
  private static final class Said implements Forecaster {
    int[] next = {};
    int asked;
    boolean closed;

    @Override
    public int forecast(
        int layer, MemorySegment hidden, int tokens, Assignments chosen, int[] ids) {
      if (layer != 0) {
        return 0;
      }
      asked++;
      System.arraycopy(next, 0, ids, 0, next.length);
      return next.length;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  @BeforeEach
  void write() throws IOException {
    allocated = NativeMemory.bytesInUse();
    mapped = SharedExperts.bytesMapped();
    for (int l = 0; l < 2; l++) {
      layers.add(
          new LayerFixture(
              folder.resolve("layer" + l), new Random(l), SHAPE, ONE_OF_ALL, true, false));
    }
  }

  private void open(int slots) throws IOException {
    handle =
        SharedExperts.join(
            layers.stream().map(layer -> layer.spec.store()).toList(),
            "",
            (_, _) -> slots * layers.getFirst().expertBytes(),
            new CacheSettings(1, 4_096, false, EvictionKind.LEARNED),
            Optional.empty());
    prefetcher = new Prefetcher(forecaster, List.of(place(0), place(1)));
  }

  @AfterEach
  void close() {
    prefetcher.close();
    handle.close();
    assertTrue(forecaster.closed);
    assertEquals(allocated, NativeMemory.bytesInUse());
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  private Place place(int layer) {
    return handle.experts().place(layer);
  }

  private ResidencyStats stats() {
    return handle.experts().statistics();
  }

  private void awaitQuiet() {
    while (stats().slotBytes()
        != layers.getFirst().expertBytes()
            * (place(0).cache().mask(0).cardinality() + place(0).cache().mask(1).cardinality())) {
      Thread.onSpinWait();
    }
  }

  /** A call of a layer whose {@code t}-th token selects {@code experts[t]}. */
  private void call(int layer, int... experts) throws IOException {
    try (var call = new ChosenExperts(EXPERTS, experts);
        LeaseSet leases = place(layer).cache().newLeaseSet()) {
      Assignments chosen = call.assignments();
      leases.begin(place(layer).index(), chosen.experts(), chosen.groups());
      leases.request();
      prefetcher.routed(layer, MemorySegment.NULL, experts.length, chosen);
      int[] ready = new int[EXPERTS];
      for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
        for (int i = 0; i < n; i++) {
          leases.release(ready[i]);
        }
      }
    }
  }

  /**
   * So many passes of both layers; the forecast names what the second selects, or what it never
   * does.
   */
  private void passes(int from, int count, boolean right) throws IOException {
    for (int pass = from; pass < from + count; pass++) {
      int wanted = right ? pass * 5 % EXPERTS : pass * 5 % 8 * 2;
      forecaster.next = new int[] {right ? wanted : wanted + 1};
      call(0, pass % 3);
      awaitQuiet();
      call(1, wanted);
      awaitQuiet();
    }
  }

  @Test
  void whatIsForeseenIsReadBeforeItIsAskedFor() throws IOException {
    open(8);
    passes(0, 200, true);
    ResidencyStats stats = stats();
    assertTrue(stats.prefetchesUsed() >= 150, stats.toString());
    assertTrue(stats.prefetchesWasted() <= 3, stats.toString());
    assertTrue(stats.misses() <= 40, stats.toString());
    assertEquals(200, forecaster.asked);
  }

  @Test
  void whatIsAlwaysWrongIsSoonNotReadAnyMoreAndMeasuredAllTheSame() throws IOException {
    open(8);
    passes(0, 100, false);
    long begun = stats().prefetches();
    assertTrue(begun > 5 && begun < 70, "begun: " + begun);
    passes(100, 200, false);
    assertEquals(begun, stats().prefetches(), "read in spite of all");
    passes(300, 100, true);
    assertTrue(stats().prefetches() > begun + 40, "it is right again, and nobody noticed");
    assertTrue(stats().prefetchesUsed() > 30, stats().toString());
  }

  @Test
  void oneTokenAndSeveralAreMeasuredApart() throws IOException {
    open(8);
    passes(0, 150, false);
    long begun = stats().prefetches();
    for (int pass = 0; pass < 10; pass++) {
      int wanted = pass * 5 % EXPERTS;
      forecaster.next = new int[] {wanted};
      call(0, 1, 2);
      awaitQuiet();
      call(1, wanted, (wanted + 3) % EXPERTS);
      awaitQuiet();
    }
    assertTrue(stats().prefetches() > begun, "of several tokens nothing was known yet");
    long now = stats().prefetches();
    passes(0, 5, false);
    assertEquals(now, stats().prefetches());
  }

  @Test
  void whereAllExpertsAreResidentNothingIsForeseen() throws IOException {
    open(2 * EXPERTS);
    call(0, 1);
    assertEquals(1, forecaster.asked);
    // There is room for all, so all come in.
    while (stats().loads() < 2 * EXPERTS) {
      Thread.onSpinWait();
    }
    call(0, 1);
    call(1, EXPERTS - 1);
    call(0, 2);
    assertEquals(1, forecaster.asked, "the next layer is complete");
    assertEquals(1, stats().misses());
  }

  @Test
  void aForecastIsOfTheNextCallOfTheSameThreadOrOfNone() throws Exception {
    open(8);
    forecaster.next = new int[] {3};
    // Layer 1 is never executed after it: nothing is learned, and nothing breaks.
    for (int pass = 0; pass < 200; pass++) {
      call(0, pass % 3);
    }
    // Had these counted as wrong, this would not be read.
    awaitQuiet();
    long before = stats().prefetches();
    forecaster.next = new int[] {9};
    Thread other =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    call(0, 1);
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
    other.join();
    awaitQuiet();
    assertEquals(before + 1, stats().prefetches());
    call(1, 4);
  }
}
