package dev.warmgate.benchmarks.routing;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Tier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * What a layer's routing gets: standard normal logits, and a mask in which every other expert is
 * resident. In memory that the collector frees.
 *
 * @param rows logits of calls, {@code f32[tokens, experts]} each
 * @param residents u64 words
 */
record GateInputs(int experts, int topK, List<MemorySegment> rows, MemorySegment residents) {
  private static final long EVERY_OTHER = 0xaaaaaaaaaaaaaaaaL;

  /**
   * Inputs of a layer.
   *
   * @param shape experts and k, for instance {@code 64x8}
   * @param calls how many different calls there are
   * @param tokens of each call
   */
  static GateInputs of(String shape, int calls, int tokens) {
    int[] numbers = Arrays.stream(shape.split("x", -1)).mapToInt(Integer::parseInt).toArray();
    int experts = numbers[0];
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    Arena arena = Arena.ofAuto();
    List<MemorySegment> rows = new ArrayList<>();
    for (int call = 0; call < calls; call++) {
      MemorySegment row = arena.allocate((long) tokens * experts * Float.BYTES, 64);
      for (long i = 0; i < (long) tokens * experts; i++) {
        row.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
      }
      rows.add(row);
    }
    int words = (experts + 63) / 64;
    MemorySegment residents = arena.allocate((long) words * Long.BYTES, 64);
    for (int word = 0; word < words; word++) {
      residents.setAtIndex(ValueLayout.JAVA_LONG, word, EVERY_OTHER);
    }
    return new GateInputs(experts, numbers[1], List.copyOf(rows), residents);
  }

  /**
   * The kernels to measure.
   *
   * @param tier its id, or {@code best} for the highest that runs here
   */
  static Kernels kernels(String tier) {
    Tier asked =
        Arrays.stream(Tier.values())
            .filter(
                t ->
                    tier.equals("best")
                        ? Kernels.availability(t).isAvailable()
                        : t.id().equals(tier))
            .reduce((_, later) -> later)
            .orElseThrow(() -> new IllegalArgumentException("no tier " + tier));
    System.out.println("tier: " + asked.id());
    return Kernels.of(asked);
  }
}
