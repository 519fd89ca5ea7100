package dev.warmgate.kernels;

import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Prints how long a route takes: percentiles over batches of 32 calls. The table of README.md. Not
 * a test. Arguments: tiers' ids, all if none.
 */
final class RouteSpeed {
  private static final int CALLS = 32;
  private static final int BATCHES = 4_000;

  private RouteSpeed() {}

  /** Prints the table. */
  public static void main(String[] args) {
    for (Tier tier : Tier.values()) {
      boolean asked = args.length == 0 || Arrays.asList(args).contains(tier.id());
      if (asked && Kernels.availability(tier).isAvailable()) {
        for (RoutePolicy policy : RoutePolicy.values()) {
          for (Denominator over : Denominator.values()) {
            StringBuilder line = new StringBuilder();
            for (int[] shape : RouteLoad.SHAPES) {
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
      RouteLoad load = new RouteLoad(kernels, plan, arena, 1);
      double[] nanos = new double[BATCHES];
      for (int round = 0; round < 4; round++) { // the last one counts
        for (int batch = 0; batch < BATCHES; batch++) {
          long start = System.nanoTime();
          load.run(batch * CALLS, CALLS);
          nanos[batch] = (double) (System.nanoTime() - start) / CALLS;
        }
      }
      Arrays.sort(nanos);
      return "  (%d,%d) %.0f/%.0f"
          .formatted(c.experts(), c.topK(), nanos[BATCHES / 2], nanos[(int) (BATCHES * 0.99)]);
    }
  }
}
