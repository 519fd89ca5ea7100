package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/**
 * What the speed of a route is measured on: one token a call, half of the experts resident, normal
 * logits, extras off.
 */
final class RouteLoad {
  static final int[][] SHAPES = {{4, 2}, {8, 2}, {16, 2}, {64, 6}, {64, 8}, {128, 8}, {256, 8}};
  private static final int ROWS = 512;
  private static final float LAMBDA = 0.15f;

  private final Kernels kernels;
  private final RoutePlan plan;
  private final MemorySegment[] logits = new MemorySegment[ROWS];
  private final MemorySegment residents;
  private final MemorySegment ids;
  private final MemorySegment weights;

  RouteLoad(Kernels kernels, RoutePlan plan, Arena arena, long seed) {
    this.kernels = kernels;
    this.plan = plan;
    Random random = new Random(seed);
    for (int i = 0; i < ROWS; i++) {
      logits[i] = arena.allocate(4L * plan.experts(), 128);
      for (int e = 0; e < plan.experts(); e++) {
        logits[i].setAtIndex(JAVA_FLOAT, e, (float) random.nextGaussian());
      }
    }
    int words = (plan.experts() + 63) / 64;
    residents = arena.allocate(8L * words, 128);
    for (int word = 0; word < words; word++) {
      residents.setAtIndex(JAVA_LONG, word, 0xaaaaaaaaaaaaaaaaL);
    }
    ids = arena.allocate(4L * plan.topK(), 128);
    weights = arena.allocate(4L * plan.topK(), 128);
  }

  /** A method of its own, so that it is compiled as any caller would be. */
  void run(int from, int calls) {
    for (int i = from; i < from + calls; i++) {
      MemorySegment row = logits[i & (ROWS - 1)];
      kernels.route(plan, LAMBDA, row, 1, residents, ids, weights, RouteExtras.NONE);
    }
  }
}
