package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What a route refuses, and where it stops. */
@ParameterizedClass
@EnumSource(Tier.class)
class RouteChecksTest {
  private static final MemorySegment NULL = MemorySegment.NULL;

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void plansThatMakeNoSense() {
    noPlan("experts is 0, must be in 1..1048576", RouteCase.of(0, 1, RoutePolicy.LOSSLESS));
    noPlan("experts is 1048577", RouteCase.of(1 << 20 | 1, 1, RoutePolicy.LOSSLESS));
    noPlan("topK is 0, must be in 1..8", RouteCase.of(8, 0, RoutePolicy.LOSSLESS));
    noPlan("topK is 9, must be in 1..8", RouteCase.of(8, 9, RoutePolicy.LOSSLESS));
    RouteCase c = RouteCase.of(8, 2, RoutePolicy.CACHE_PRIOR);
    noPlan("keepTop is 3, must be in 0..2", c.with(3, 1));
    noPlan("keepTop is -1, must be in 0..2", c.with(-1, 1));
    noPlan("maxRank is 0, must be at least 1", c.with(0, 0));
    for (float rate : new float[] {-0.1f, 1.5f, Float.NaN}) {
      noPlan(
          "rangeRate is " + rate + ", must be in 0..1",
          new RouteCase(8, 2, c.over(), c.ties(), c.policy(), 0, 1, rate));
    }
  }

  private static void noPlan(String reason, RouteCase c) {
    String message = assertThrows(IllegalArgumentException.class, c::plan).getMessage();
    assertTrue(message.startsWith(reason), message);
  }

  @Test
  void buffersThatAreTooSmall() {
    try (GuardedMemory memory = new GuardedMemory(0);
        RoutePlan plan = RouteCase.of(65, 2, RoutePolicy.ADDITIVE).plan()) {
      MemorySegment z = memory.allocate(4 * 65 * 3);
      MemorySegment words = memory.allocate(8 * 2);
      MemorySegment ids = memory.allocate(4 * 2 * 3);
      MemorySegment weights = memory.allocate(4 * 2 * 3);
      MemorySegment row = memory.allocate(4 * 3);
      RouteExtras none = RouteExtras.NONE;
      assertEquals(-1, route(plan, 0, z.fill((byte) 0), 3, words, ids, weights, none));
      refused(plan, 0, z.asSlice(4), 3, words, ids, weights, none);
      refused(plan, 0, z, 4, words, ids, weights, none);
      refused(plan, 0, z, -1, words, ids, weights, none);
      refused(plan, 0, z, Integer.MAX_VALUE, words, ids, weights, none);
      refused(plan, 0, z, 3, words.asSlice(8), ids, weights, none);
      refused(plan, 0, z, 3, words, ids.asSlice(1), weights, none);
      refused(plan, 0, z, 3, words, ids, weights.asSlice(1), none);
      refused(plan, 0, z, 3, words, NULL, weights, none);
      refused(plan, 0, z, 3, words, ids, weights, new RouteExtras(row, row, row));
      refused(plan, 0, z, 3, words, ids, weights, new RouteExtras(NULL, row.asSlice(4), NULL));
      refused(plan, 0, z, 3, words, ids, weights, new RouteExtras(NULL, NULL, row.asSlice(1)));
      for (float lambda : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
        refused(plan, lambda, z, 3, words, ids, weights, none);
      }
      if (tier != Tier.SCALAR) {
        MemorySegment heap = MemorySegment.ofArray(new float[65 * 3]);
        refused(plan, 0, heap, 3, words, ids, weights, none);
        refused(plan, 0, z, 3, words, ids, weights, new RouteExtras(NULL, heap, NULL));
      }
      MemorySegment closed;
      try (Arena arena = Arena.ofShared()) {
        closed = arena.allocate(4 * 65 * 3);
      }
      refused(plan, 0, closed, 3, words, ids, weights, none);
    }
  }

  private int route(
      RoutePlan plan,
      float lambda,
      MemorySegment z,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    return kernels.route(plan, lambda, z, tokens, residents, ids, weights, extras);
  }

  private void refused(
      RoutePlan plan,
      float lambda,
      MemorySegment z,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    assertThrows(
        IllegalArgumentException.class,
        () -> route(plan, lambda, z, tokens, residents, ids, weights, extras));
  }

  @Test
  void aClosedPlan() {
    long before = NativeMemory.bytesInUse();
    RoutePlan plan = RouteCase.of(8, 2, RoutePolicy.LOSSLESS).plan();
    assertTrue(NativeMemory.bytesInUse() > before);
    plan.close();
    plan.close();
    assertEquals(before, NativeMemory.bytesInUse());
    assertThrows(
        IllegalStateException.class,
        () -> route(plan, 0, NULL, 0, NULL, NULL, NULL, RouteExtras.NONE));
  }

  /** More tokens than go into one native call; the first bad one is named. */
  @Test
  void longBatches() {
    int experts = 300;
    int tokens = 250;
    try (Arena arena = Arena.ofShared();
        RoutePlan plan = RouteCase.of(experts, 2, RoutePolicy.CACHE_PRIOR).plan();
        RoutePlan single = RouteCase.of(experts, 2, RoutePolicy.CACHE_PRIOR).plan()) {
      MemorySegment z = arena.allocate(4L * experts * tokens);
      Random random = new Random(1);
      for (long i = 0; i < (long) experts * tokens; i++) {
        z.set(JAVA_FLOAT_UNALIGNED, 4 * i, (float) random.nextGaussian());
      }
      MemorySegment words = arena.allocate(8 * 5).fill((byte) 0x55);
      MemorySegment ids = arena.allocate(8L * tokens);
      MemorySegment weights = arena.allocate(8L * tokens);
      MemorySegment row = arena.allocate(8);
      RouteExtras extras =
          new RouteExtras(
              arena.allocate(8L * tokens),
              arena.allocate(4L * tokens),
              arena.allocate(4L * tokens));
      assertEquals(-1, route(plan, 0.2f, z, tokens, words, ids, weights, extras));
      for (int t = 0; t < tokens; t++) {
        MemorySegment mine = z.asSlice(4L * experts * t);
        MemorySegment miss = arena.allocate(4);
        RouteExtras misses = new RouteExtras(NULL, NULL, miss);
        assertEquals(-1, route(single, 0.2f, mine, 1, words, row, weights, misses));
        assertEquals(-1, row.mismatch(ids.asSlice(8L * t, 8)), "token " + t);
        assertEquals(
            miss.get(JAVA_INT_UNALIGNED, 0),
            extras.misses().get(JAVA_INT_UNALIGNED, 4L * t),
            "token " + t);
      }
      assertEquals(single.range(), plan.range());
      z.asSlice(4L * experts * 219, 4L * experts).fill((byte) 0xff);
      assertEquals(219, route(plan, 0.2f, z, tokens, words, ids, weights, extras));
    }
  }
}
