package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Threads that learn the running range together stay near one that learns alone. */
@ParameterizedClass
@EnumSource(Tier.class)
class SharedRangeTest {
  private static final float RATE = 0.02f;

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  /** The tokens come in one order, from one thread or another; their ranges jump and drift. */
  @Test
  void isNearTheSerialOrder() throws Exception {
    for (int threads = 1; threads <= 3; threads++) {
      Random random = new Random(threads);
      List<ExecutorService> team = new ArrayList<>();
      try (RoutePlan plan = plan()) {
        for (int i = 0; i < threads; i++) {
          team.add(Executors.newSingleThreadExecutor());
        }
        float serial = 0;
        float largest = 0;
        float furthest = 0;
        for (int token = 0; token < 3_000; token++) {
          float range = (1 + random.nextFloat()) * (token / 500 % 2 == 0 ? 1 : 9);
          serial = serial == 0 ? range : serial + RATE * (range - serial);
          largest = Math.max(largest, serial);
          ExecutorService thread = team.get(random.nextInt(threads));
          float learnt = thread.submit(() -> learn(plan, range)).get();
          furthest = Math.max(furthest, Math.abs(learnt - serial));
          float allowed = 2 * (threads - 1) * SharedRange.MATERIAL * largest;
          String what = threads + " threads, token " + token;
          assertTrue(
              Math.abs(learnt - serial) <= allowed * 1.001f, what + ": " + learnt + ", " + serial);
          // Somebody who doesn't learn sees what is published.
          assertTrue(
              Math.abs(plan.range() - serial) <= (allowed + SharedRange.MATERIAL * largest) * 1.01f,
              what + ": " + plan.range() + ", " + serial);
        }
        assertEquals(threads > 1, furthest > 0, "threads hold something back, and only then");
      } finally {
        team.forEach(ExecutorService::close);
      }
    }
  }

  /** One thread goes on where another one was long ago. */
  @Test
  void aThreadThatWasAwayKnowsTheNews() throws Exception {
    try (RoutePlan plan = plan();
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      assertEquals(1f, learn(plan, 1));
      for (int token = 0; token < 1_000; token++) {
        other.submit(() -> learn(plan, 100)).get();
      }
      assertEquals(100f, learn(plan, 100), 2 * SharedRange.MATERIAL * 100);
    }
  }

  @Test
  void staysAmongTheRangesWhenThreadsRace() throws Exception {
    try (RoutePlan plan = plan();
        ExecutorService team = Executors.newFixedThreadPool(3)) {
      List<Callable<Void>> all = new ArrayList<>();
      for (float mine : new float[] {4, 8, 6}) {
        all.add(
            () -> {
              for (int i = 0; i < 300; i++) {
                float range = learn(plan, mine);
                float slack = 4 * SharedRange.MATERIAL * 8;
                assertTrue(range >= 4 - slack && range <= 8 + slack, "range " + range);
              }
              return null;
            });
      }
      for (Future<Void> done : team.invokeAll(all)) {
        done.get();
      }
    }
  }

  private static RoutePlan plan() {
    return new RoutePlan(
        2, 1, Denominator.SELECTED, Ties.LOWER_ID, RoutePolicy.CACHE_PRIOR, 1, 1, RATE);
  }

  /** Routes a token whose logits have the range; gives Δ. */
  private float learn(RoutePlan plan, float range) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment logits = arena.allocateFrom(JAVA_FLOAT, 0, range);
      MemorySegment ids = arena.allocate(4);
      MemorySegment weights = arena.allocate(4);
      MemorySegment none = MemorySegment.NULL;
      assertEquals(-1, kernels.route(plan, 0.1f, logits, 1, none, ids, weights, RouteExtras.NONE));
      return plan.range();
    }
  }
}
