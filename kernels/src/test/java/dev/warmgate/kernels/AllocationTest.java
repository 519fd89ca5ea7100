package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The hot calls of the native tiers allocate nothing on the Java heap. */
@ParameterizedClass
@EnumSource(value = Tier.class, mode = EnumSource.Mode.EXCLUDE, names = "SCALAR")
class AllocationTest {
  private static final double NOTHING = 0.01; // bytes a call: what is left of the counting itself

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void theCounterSeesAllocations() {
    Object[] kept = new Object[1];
    assertTrue(AllocatedBytes.perCall(() -> kept[0] = new long[4]) >= 40);
  }

  @Test
  void routing() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment logits = arena.allocate(4 * 128);
      MemorySegment residents = arena.allocate(8 * 2);
      MemorySegment ids = arena.allocate(4 * 8);
      MemorySegment weights = arena.allocate(4 * 8);
      nothing(() -> kernels.topK(logits, 128, residents, 0.5f, 8, Ties.HIGHER_ID, ids));
      nothing(() -> kernels.gateWeights(logits, 128, ids, 8, Denominator.ALL, weights));
      nothing(() -> kernels.decay(logits, 128, 0.99f));
    }
  }

  @Test
  void route() {
    for (RoutePolicy policy : RoutePolicy.values()) {
      try (Arena arena = Arena.ofShared();
          RoutePlan plan = RouteCase.of(128, 8, policy).plan()) {
        MemorySegment logits = arena.allocate(4 * 128 * 3);
        MemorySegment residents = arena.allocate(8 * 2);
        MemorySegment out = arena.allocate(4 * 8 * 3);
        MemorySegment displaced = arena.allocate(4 * 8 * 3);
        MemorySegment weights = arena.allocate(4 * 8 * 3);
        RouteExtras extras = new RouteExtras(displaced, weights, out);
        RouteExtras none = RouteExtras.NONE;
        nothing(() -> kernels.route(plan, 0.1f, logits, 3, residents, out, weights, none));
        nothing(() -> kernels.route(plan, 0.1f, logits, 3, residents, out, weights, extras));
      }
    }
  }

  @Test
  void feedForward() {
    FfnShape shape = FfnShape.of(8, 8, Activation.SILU);
    try (Arena arena = Arena.ofShared();
        FfnBatch batch = new FfnBatch(shape, 2)) {
      MemorySegment memory = arena.allocate(4 * 64);
      MemorySegment assignments = arena.allocate(4);
      ExpertWeights weights = new ExpertWeights(memory, memory, memory, memory);
      Team team = Team.caller();
      nothing(
          () -> {
            batch.begin(1, 1, memory, memory, memory, memory, memory, 2);
            batch.add(weights, assignments, 1);
            batch.add(weights, assignments, 1);
            team.run(kernels, Step.UP, batch);
            team.run(kernels, Step.DOWN, batch);
            batch.clearExperts();
            team.run(kernels, Step.COMBINE, batch);
          });
    }
  }

  private static void nothing(Runnable call) {
    assertEquals(0, AllocatedBytes.perCall(call), NOTHING);
  }
}
