package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Prints how fast the tiers of this machine are; the tables of README.md and of docs/benchmarks.md.
 * Not a test. The arguments are tiers and numbers of threads, 1 or 2; without a tier, all that the
 * machine has but the scalar one are measured.
 */
final class KernelSpeed {
  private static volatile long sink;

  private KernelSpeed() {}

  /** Prints all tables. */
  public static void main(String[] args) {
    List<String> asked = List.of(args);
    List<Integer> threads = Stream.of(1, 2).filter(n -> asked.contains("" + n)).toList();
    List<Tier> named = Stream.of(Tier.values()).filter(t -> asked.contains(t.id())).toList();
    List<Tier> tiers =
        Stream.of(Tier.values())
            .filter(t -> named.isEmpty() ? t != Tier.SCALAR : named.contains(t))
            .filter(t -> Kernels.availability(t).isAvailable())
            .toList();
    try (Arena arena = Arena.ofShared()) {
      FfnSpeed feedForward = new FfnSpeed(arena);
      for (Tier tier : tiers) {
        feedForward.print(Kernels.of(tier), threads.isEmpty() ? List.of(1, 2) : threads);
      }
      for (Tier tier : tiers) {
        routing(arena, Kernels.of(tier));
      }
    }
  }

  private static void routing(Arena arena, Kernels kernels) {
    int[][] shapes = {{8, 2}, {64, 8}, {128, 8}, {256, 8}, {1024, 16}};
    for (int[] shape : shapes) {
      int experts = shape[0];
      int k = shape[1];
      MemorySegment[] logits = new MemorySegment[512];
      Random random = new Random(1);
      for (int i = 0; i < logits.length; i++) {
        logits[i] = arena.allocate(4L * experts, 64);
        for (int e = 0; e < experts; e++) {
          logits[i].setAtIndex(JAVA_FLOAT, e, (float) random.nextGaussian());
        }
      }
      MemorySegment residents = arena.allocate(8L * ((experts + 63) / 64), 64);
      for (int word = 0; word < (experts + 63) / 64; word++) {
        residents.setAtIndex(JAVA_LONG, word, 0xaaaaaaaaaaaaaaaaL);
      }
      MemorySegment ids = arena.allocate(4L * k, 64);
      MemorySegment weights = arena.allocate(4L * k, 64);
      System.out.printf(
          "%s, %d of %d: top-k %.0f ns, weights over all %.0f ns, over the selected %.0f ns%n",
          kernels.tier().id(),
          k,
          experts,
          nanos(
              i ->
                  sink = kernels.topK(logits[i], experts, residents, 0.15f, k, Ties.LOWER_ID, ids)),
          nanos(i -> kernels.gateWeights(logits[i], experts, ids, k, Denominator.ALL, weights)),
          nanos(
              i -> kernels.gateWeights(logits[i], experts, ids, k, Denominator.SELECTED, weights)));
    }
  }

  private static double nanos(IntConsumer call) {
    double best = Double.MAX_VALUE;
    for (int round = 0; round < 60; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < 2048; i++) {
        call.accept(i & 511);
      }
      best = Math.min(best, (System.nanoTime() - start) / 2048.0);
    }
    return best;
  }
}
