package dev.warmgate.kernels;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * Prints how much more two threads get done than one when they route by the same plan: the median
 * over pairs of rounds, one thread and then two, so that a change of the machine's speed hits both.
 * Not a test. Arguments: tiers' ids, all native ones if none.
 */
final class RouteScale {
  private static final int ROUNDS = 60;
  private static final long ROUND_NANOS = 10_000_000;
  private static final int CALLS = 256;

  private RouteScale() {}

  /** Prints the table. */
  public static void main(String[] args) throws InterruptedException {
    for (Tier tier : Tier.values()) {
      boolean asked =
          args.length == 0 ? tier != Tier.SCALAR : Arrays.asList(args).contains(tier.id());
      if (asked && Kernels.availability(tier).isAvailable()) {
        for (RoutePolicy policy : RoutePolicy.values()) {
          StringBuilder line = new StringBuilder();
          for (int[] shape : RouteLoad.SHAPES) {
            RouteCase c = RouteCase.of(shape[0], shape[1], policy);
            line.append("  (%d,%d) %.2f".formatted(shape[0], shape[1], scale(Kernels.of(tier), c)));
          }
          System.out.printf("%-7s %-11s%s%n", tier.id(), policy, line);
        }
      }
    }
  }

  private static double scale(Kernels kernels, RouteCase c) throws InterruptedException {
    try (Arena arena = Arena.ofShared();
        RoutePlan plan = c.plan()) {
      RouteLoad[] loads = {
        new RouteLoad(kernels, plan, arena, 1), new RouteLoad(kernels, plan, arena, 2)
      };
      CyclicBarrier barrier = new CyclicBarrier(2);
      double[][] done = new double[2][2 * ROUNDS];
      Thread other = new Thread(() -> rounds(loads[1], 1, barrier, done[1]));
      other.start();
      rounds(loads[0], 0, barrier, done[0]);
      other.join();
      double[] ratios = new double[ROUNDS / 2];
      for (int i = 0; i < ratios.length; i++) {
        int pair = ROUNDS + 2 * i; // the first half warms up
        ratios[i] = (done[0][pair + 1] + done[1][pair + 1]) / done[0][pair];
      }
      Arrays.sort(ratios);
      return ratios[ratios.length / 2];
    }
  }

  /** Calls a nanosecond of each round; of the odd ones only for the second thread. */
  private static void rounds(RouteLoad load, int me, CyclicBarrier barrier, double[] done) {
    for (int round = 0; round < done.length; round++) {
      await(barrier);
      if (round % 2 >= me) {
        long start = System.nanoTime();
        long calls = 0;
        long end = start;
        for (; end - start < ROUND_NANOS; end = System.nanoTime()) {
          load.run((int) calls, CALLS);
          calls += CALLS;
        }
        done[round] = (double) calls / (end - start);
      }
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }
}
