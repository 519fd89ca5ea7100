package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Tier;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guesses change when something is read, never what is computed. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrefetchedResultsTest {
  private static final int LAYERS = 4;
  private static final int STEPS = 60;

  @TempDir Path folder;
  private GatedStack stack;
  private List<float[]> expected;
  private long allocated;
  private long mapped;

  @BeforeEach
  void runWithout() throws IOException {
    allocated = NativeMemory.bytesInUse();
    mapped = SharedExperts.bytesMapped();
    stack = new GatedStack(folder, "layer", LAYERS);
    expected = new ArrayList<>();
    long all = LAYERS * GatedStack.EXPERTS * stack.expertBytes();
    try (MoeModel model = stack.open(Tier.SCALAR, all, "prefetch", "off")) {
      for (int step = 0; step < STEPS; step++) {
        expected.add(step(model, step));
      }
      assertEquals(0, model.statistics().prefetches());
    }
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(allocated, NativeMemory.bytesInUse());
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  private float[] step(MoeModel model, int step) throws IOException {
    return stack.run(model, new Random(step), step % 5 == 4 ? 7 : 1);
  }

  @ParameterizedTest
  @CsvSource({
    "1, default",
    "2, default",
    "5, default",
    "9, lru",
    "16, default",
    "16, lfu",
    "24, decayed-lfu",
    "30, random",
    "47, learned",
    "48, default",
    "200, default"
  })
  void bitsAreTheSameAtAnyBudget(int slots, String eviction) throws IOException {
    long budget = slots * stack.expertBytes();
    for (String prefetch : List.of("gate", "transition", "off")) {
      try (MoeModel model =
          stack.open(Tier.SCALAR, budget, "prefetch", prefetch, "eviction", eviction)) {
        for (int step = 0; step < STEPS; step++) {
          assertArrayEquals(expected.get(step), step(model, step), "step " + step);
        }
        ResidencyStats stats = model.statistics();
        assertTrue(stats.peakSlotBytes() <= budget, stats.toString());
        if (slots == 24 && prefetch.equals("gate")) {
          assertTrue(stats.prefetchesUsed() + stats.prefetchesLate() > 5, stats.toString());
          assertTrue(stats.prefetchesUsed() > 0, stats.toString());
        }
        if (prefetch.equals("off")) {
          assertEquals(0, stats.prefetches());
        }
      }
    }
  }

  @Test
  void bitsAreTheSameInSessionsThatShareACache() throws Exception {
    long budget = 14 * stack.expertBytes();
    try (MoeModel first = stack.open(Tier.SCALAR, budget);
        MoeModel second = stack.open(Tier.SCALAR, budget);
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        MoeModel model = t % 2 == 0 ? first : second;
        int offset = 13 * t;
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 3 * STEPS; i++) {
                    int step = (i + offset) % STEPS;
                    assertArrayEquals(expected.get(step), step(model, step), "step " + step);
                    if (i % 10 == 0) {
                      model.expect(i % LAYERS, i % GatedStack.EXPERTS, 3);
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      ResidencyStats stats = first.statistics();
      assertTrue(stats.prefetches() > 0, stats.toString());
      assertTrue(stats.peakSlotBytes() <= budget, stats.toString());
    }
  }
}
