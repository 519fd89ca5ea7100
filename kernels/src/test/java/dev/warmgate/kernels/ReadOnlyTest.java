package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Native code gets addresses: what must not be written has to be refused before. */
@ParameterizedClass
@EnumSource(Tier.class)
class ReadOnlyTest {
  private static final MemorySegment NONE = MemorySegment.NULL;

  @Parameter Tier tier;
  private final GuardedMemory memory = new GuardedMemory(0);
  private final MemorySegment in = memory.allocate(32).fill((byte) 0).asReadOnly();
  private final MemorySegment out = memory.allocate(32).fill((byte) 0);
  private final MemorySegment kept = out.asReadOnly();
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void selections() {
    assertEquals(2, kernels.topK(in, 8, in, 1, 2, Ties.LOWER_ID, out));
    refused("ids", () -> kernels.topK(in, 8, in, 1, 2, Ties.LOWER_ID, kept));
    kernels.gateWeights(in, 8, in, 2, Denominator.ALL, out);
    refused("weights", () -> kernels.gateWeights(in, 8, in, 2, Denominator.ALL, kept));
  }

  @Test
  void routes() {
    MemorySegment other = memory.allocate(8);
    for (RoutePolicy policy : RoutePolicy.values()) {
      try (RoutePlan plan = RouteCase.of(8, 2, policy).plan()) {
        assertEquals(-1, kernels.route(plan, 1, in, 1, in, out, other, RouteExtras.NONE));
        refused("ids", () -> kernels.route(plan, 1, in, 1, in, kept, out, RouteExtras.NONE));
        refused("weights", () -> kernels.route(plan, 1, in, 1, in, out, kept, RouteExtras.NONE));
        refused("displaced", () -> route(plan, new RouteExtras(kept, NONE, NONE), other));
        refused("kept", () -> route(plan, new RouteExtras(NONE, kept, NONE), other));
        refused("misses", () -> route(plan, new RouteExtras(NONE, NONE, kept), other));
      }
    }
  }

  private void route(RoutePlan plan, RouteExtras extras, MemorySegment weights) {
    kernels.route(plan, 1, in, 1, in, out, weights, extras);
  }

  @Test
  void vectors() {
    refused("values", () -> kernels.decay(kept, 2, 0.5f));
    kernels.widen(in, out, 2);
    refused("floats", () -> kernels.widen(in, kept, 2));
    kernels.narrow(in, out, 2);
    refused("halves", () -> kernels.narrow(in, kept, 2));
  }

  @Test
  void layers() {
    FfnShape shape = FfnShape.of(2, 2, Activation.RELU);
    try (FfnBatch batch = new FfnBatch(shape, 1)) {
      refused("inner", () -> batch.begin(1, 1, in, kept, out, in, out, 1));
      refused("partial", () -> batch.begin(1, 1, in, out, kept, in, out, 1));
      refused("out", () -> batch.begin(1, 1, in, out, out, in, kept, 1));
      MemorySegment partial = memory.allocate(8);
      batch.begin(1, 1, in, out, partial, in, memory.allocate(8), 1);
      batch.add(ExpertWeights.of(in, in), in, 1);
      for (Step step : Step.values()) {
        assertDoesNotThrow(() -> kernels.run(step, batch, 0));
      }
    }
  }

  private void refused(String name, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertEquals(name + " is read-only", message);
  }
}
