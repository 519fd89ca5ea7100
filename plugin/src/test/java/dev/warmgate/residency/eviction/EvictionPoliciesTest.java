package dev.warmgate.residency.eviction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each policy against a plain implementation, on random calls of layers of different sizes. */
class EvictionPoliciesTest {
  private static final int[] EXPERTS = {5, 9, 1, 13};

  /** One call: a layer and what it ran. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Call(int layer, int[] experts) {
    void on(EvictionPolicy policy) {
      // Longer than what is meant, as callers' buffers are.
      int[] buffer = Arrays.copyOf(experts, experts.length + 3);
      Arrays.fill(buffer, experts.length, buffer.length, Integer.MAX_VALUE);
      policy.used(layer, buffer, experts.length);
    }
  }

  /** Passes over all layers; every expert is selected with a chance of its own. */
  private static List<Call> calls(int passes, long seed) {
    Random random = new Random(seed);
    List<Call> calls = new ArrayList<>();
    for (int pass = 0; pass < passes; pass++) {
      for (int layer = 0; layer < EXPERTS.length; layer++) {
        int experts = EXPERTS[layer];
        int[] selected =
            IntStream.range(0, experts).filter(e -> random.nextInt(experts) >= e).toArray();
        calls.add(new Call(layer, selected));
      }
    }
    return calls;
  }

  @Test
  void lruKeepsTheOrderOfALinkedHashMap() {
    EvictionPolicy policy = EvictionKind.LRU.create(EXPERTS, 0);
    // Per layer, as the experts of one call are equal to each other.
    Map<Integer, LinkedHashMap<Integer, Integer>> byUse = new LinkedHashMap<>();
    int number = 0;
    for (Call call : calls(50, 1)) {
      call.on(policy);
      number++;
      for (int expert : call.experts) {
        var order = byUse.computeIfAbsent(call.layer, _ -> new LinkedHashMap<>());
        order.remove(expert);
        order.put(expert, number);
      }
      for (int layer = 0; layer < EXPERTS.length; layer++) {
        Integer last = null;
        for (var entry : byUse.getOrDefault(layer, new LinkedHashMap<>()).entrySet()) {
          float worth = policy.worth(layer, entry.getKey());
          assertEquals(entry.getValue() - number, worth);
          assertTrue(last == null || policy.worth(layer, last) <= worth);
          last = entry.getKey();
        }
      }
    }
  }

  @Test
  void lfuCounts() {
    EvictionPolicy policy = EvictionKind.LFU.create(EXPERTS, 0);
    Map<List<Integer>, Integer> counts = new LinkedHashMap<>();
    for (Call call : calls(40, 2)) {
      call.on(policy);
      for (int expert : call.experts) {
        counts.merge(List.of(call.layer, expert), 1, Integer::sum);
      }
    }
    forEachExpert(
        (layer, expert) ->
            assertEquals(
                counts.getOrDefault(List.of(layer, expert), 0).floatValue(),
                policy.worth(layer, expert)));
  }

  @Test
  void decayedLfuIsTheDecayedSum() {
    EvictionPolicy policy = EvictionKind.DECAYED_LFU.create(EXPERTS, 0);
    double[][] values = new double[EXPERTS.length][];
    Arrays.setAll(values, layer -> new double[EXPERTS[layer]]);
    for (Call call : calls(3000, 3)) {
      call.on(policy);
      for (int expert = 0; expert < EXPERTS[call.layer]; expert++) {
        values[call.layer][expert] *= 0.98;
      }
      for (int expert : call.experts) {
        values[call.layer][expert] += 1;
      }
      forEachExpert(
          (layer, expert) ->
              assertEquals(
                  values[layer][expert],
                  policy.worth(layer, expert),
                  1e-4 * values[layer][expert]));
    }
  }

  @Test
  void decayedLfuForgetsForLong() {
    EvictionPolicy policy = EvictionKind.DECAYED_LFU.create(new int[] {2}, 0);
    policy.used(0, new int[] {1}, 1);
    for (int i = 0; i < 1000; i++) {
      policy.used(0, new int[] {0}, 1);
    }
    assertEquals(Math.pow(0.98, 1000), policy.worth(0, 1), 1e-12);
  }

  @Test
  void leastStaleCountsPasses() {
    EvictionPolicy policy = EvictionKind.LEAST_STALE.create(EXPERTS, 0);
    int pass = 0;
    Map<List<Integer>, Integer> last = new LinkedHashMap<>();
    for (Call call : calls(40, 4)) {
      call.on(policy);
      pass += call.layer == 0 ? 1 : 0;
      for (int expert : call.experts) {
        last.put(List.of(call.layer, expert), pass);
      }
      int now = pass;
      forEachExpert(
          (layer, expert) -> {
            Integer then = last.get(List.of(layer, expert));
            float expected = then == null ? Float.NEGATIVE_INFINITY : then - now;
            assertEquals(expected, policy.worth(layer, expert));
          });
    }
  }

  @Test
  void randomTreatsAllAlikeAndRepeatsWithItsSeed() {
    EvictionPolicy policy = EvictionKind.RANDOM.create(new int[] {4}, 7);
    EvictionPolicy same = EvictionKind.RANDOM.create(new int[] {4}, 7);
    EvictionPolicy other = EvictionKind.RANDOM.create(new int[] {4}, 8);
    int[] least = new int[4];
    int differences = 0;
    for (int i = 0; i < 4000; i++) {
      int victim = 0;
      for (EvictionPolicy each : List.of(policy, same, other)) {
        each.used(0, new int[] {0}, 1);
      }
      for (int expert = 0; expert < 4; expert++) {
        assertEquals(policy.worth(0, expert), same.worth(0, expert));
        differences += policy.worth(0, expert) == other.worth(0, expert) ? 0 : 1;
        victim = policy.worth(0, expert) < policy.worth(0, victim) ? expert : victim;
      }
      least[victim]++;
    }
    for (int count : least) {
      assertEquals(1000, count, 120);
    }
    assertNotEquals(0, differences);
  }

  @ParameterizedTest
  @EnumSource(
      value = EvictionKind.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"RANDOM"})
  void whatRanIsWorthNoLessThanWhatNeverRan(EvictionKind kind) {
    int[] experts = {6, 6};
    EvictionPolicy policy = kind.create(experts, 0);
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      // The last expert of each layer never runs.
      int[] selected = {random.nextInt(5)};
      policy.used(i % 2, selected, 1);
      assertTrue(policy.worth(i % 2, selected[0]) >= policy.worth(i % 2, 5));
    }
  }

  @ParameterizedTest
  @EnumSource(EvictionKind.class)
  void namesAndSizesAreChecked(EvictionKind kind) {
    assertTrue(kind.id().matches("[a-z-]+"));
    assertThrows(IllegalArgumentException.class, () -> kind.create(new int[0], 0));
    assertThrows(IllegalArgumentException.class, () -> kind.create(new int[] {3, 0}, 0));
  }

  private interface ExpertConsumer {
    void accept(int layer, int expert);
  }

  private static void forEachExpert(ExpertConsumer consumer) {
    for (int layer = 0; layer < EXPERTS.length; layer++) {
      for (int expert = 0; expert < EXPERTS[layer]; expert++) {
        consumer.accept(layer, expert);
      }
    }
  }
}
