package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

/**
 * Prints how long a route takes: one token, half of the experts resident, normal logits, extras
 * off; percentiles over batches of 32 calls. The table of README.md. Not a test. Arguments: tiers'
 * ids, all if none.
 */
final class RouteSpeed {
  private static final int[][] SHAPES = {{8, 2}, {16, 2}, {64, 6}, {64, 8}, {128, 8}, {256, 8}};
  private static final int ROWS = 512;
  private static final int CALLS = 32;
  private static final int BATCHES = 4_000;
  private static final float LAMBDA = 0.15f;

  private RouteSpeed() {}

  /** Prints the table. */
  public static void main(String[] args) {
    for (Tier tier : Tier.values()) {
      boolean asked = args.length == 0 || Arrays.asList(args).contains(tier.id());
      if (asked && Kernels.availability(tier).isAvailable()) {
        for (RoutePolicy policy : RoutePolicy.values()) {
          for (Denominator over : Denominator.values()) {
            StringBuilder line = new StringBuilder();
            for (int[] shape : SHAPES) {
              RouteCase c = RouteCase.of(shape[0], shape[1], policy).with(over);
              line.append(percentiles(Kernels.of(tier), c));
            }
            System.out.printf("%-7s %-11s %-8s%s%n", tier.id(), policy, over, line);
          }
        }
      }
    }
  }

  private static String percentiles(Kernels kernels, RouteCase c) {
    try (Arena arena = Arena.ofShared();
        RoutePlan plan = c.plan()) {
      Random random = new Random(1);
      MemorySegment[] logits = new MemorySegment[ROWS];
      for (int i = 0; i < ROWS; i++) {
        logits[i] = arena.allocate(4L * c.experts(), 64);
        for (int e = 0; e < c.experts(); e++) {
          logits[i].setAtIndex(JAVA_FLOAT, e, (float) random.nextGaussian());
        }
      }
      MemorySegment residents = arena.allocate(8L * ((c.experts() + 63) / 64), 64);
      for (int word = 0; word < (c.experts() + 63) / 64; word++) {
        residents.setAtIndex(JAVA_LONG, word, 0xaaaaaaaaaaaaaaaaL);
      }
      MemorySegment ids = arena.allocate(4L * c.topK(), 64);
      MemorySegment weights = arena.allocate(4L * c.topK(), 64);
      double[] nanos = new double[BATCHES];
      for (int round = 0; round < 4; round++) { // the last one counts
        for (int batch = 0; batch < BATCHES; batch++) {
          nanos[batch] = batch(kernels, plan, logits, batch * CALLS, residents, ids, weights);
        }
      }
      Arrays.sort(nanos);
      return "  (%d,%d) %.0f/%.0f"
          .formatted(c.experts(), c.topK(), nanos[BATCHES / 2], nanos[(int) (BATCHES * 0.99)]);
    }
  }

  /** A method of its own, so that it is compiled as any caller would be. */
  private static double batch(
      Kernels kernels,
      RoutePlan plan,
      MemorySegment[] logits,
      int from,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights) {
    long start = System.nanoTime();
    for (int i = from; i < from + CALLS; i++) {
      MemorySegment row = logits[i & (ROWS - 1)];
      kernels.route(plan, LAMBDA, row, 1, residents, ids, weights, RouteExtras.NONE);
    }
    return (double) (System.nanoTime() - start) / CALLS;
  }
}
