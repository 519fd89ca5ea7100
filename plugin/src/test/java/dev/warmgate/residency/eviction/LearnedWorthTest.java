package dev.warmgate.residency.eviction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LearnedWorthTest {

  /** The same in doubles and maps, from the definition. */
  private static final class Plain {
    private final int[] experts;
    private final Map<List<Integer>, Double> fast = new HashMap<>();
    private final Map<List<Integer>, Double> slow = new HashMap<>();
    private final Map<List<Integer>, Double> weights = new HashMap<>();
    private final Map<List<Integer>, Double> predicted = new HashMap<>();
    private final Map<List<Integer>, Double> corrections = new HashMap<>();
    private final Map<Integer, List<Integer>> ran = new HashMap<>();
    private final Map<Integer, List<Integer>> previousRan = new HashMap<>();

    Plain(int... experts) {
      this.experts = experts;
    }

    double frequency(int layer, int expert) {
      return 0.35 * 0.15 * fast.getOrDefault(List.of(layer, expert), 0.0)
          + 0.6 * 0.015 * slow.getOrDefault(List.of(layer, expert), 0.0);
    }

    double worth(int layer, int expert) {
      double frequency = frequency(layer, expert);
      return Math.max(
          frequency + corrections.getOrDefault(List.of(layer, expert), 0.0), 1e-3 * frequency);
    }

    private double mean(int kind, int layer, List<Integer> selection, int expert) {
      return selection.stream()
          .mapToDouble(i -> weights.getOrDefault(List.of(kind, layer, i, expert), 0.0))
          .average()
          .orElse(0);
    }

    void used(int layer, List<Integer> selected) {
      List<Integer> previous =
          ran.getOrDefault((layer + experts.length - 1) % experts.length, List.of());
      double[] errors = new double[experts[layer]];
      for (int expert = 0; expert < experts[layer]; expert++) {
        var key = List.of(layer, expert);
        boolean runs = selected.contains(expert);
        fast.put(key, 0.85 * fast.getOrDefault(key, 0.0) + (runs ? 1 : 0));
        slow.put(key, 0.985 * slow.getOrDefault(key, 0.0) + (runs ? 1 : 0));
        double correction = mean(0, layer, selected, expert) + mean(1, layer, previous, expert);
        double now = frequency(layer, expert) + correction;
        double share = Math.clamp(now, -1, 1);
        errors[expert] = (runs ? 0.1 : 0) + 0.9 * share - predicted.getOrDefault(key, 0.0);
        predicted.put(key, now);
        corrections.put(key, correction);
      }
      List<Integer> own = ran.getOrDefault(layer, List.of());
      List<Integer> before = previousRan.getOrDefault(layer, List.of());
      double step = 0.04 / (own.size() + before.size());
      for (int expert = 0; expert < experts[layer]; expert++) {
        for (int i : own) {
          weights.merge(
              List.of(0, layer, i, expert), step * before.size() * errors[expert], Double::sum);
        }
        for (int i : before) {
          weights.merge(
              List.of(1, layer, i, expert), step * own.size() * errors[expert], Double::sum);
        }
      }
      ran.put(layer, selected);
      previousRan.put(layer, previous);
    }
  }

  @Test
  void isThePlainDefinition() {
    int[] experts = {4, 7, 3};
    EvictionPolicy policy = EvictionKind.LEARNED.create(experts, 0);
    Plain plain = new Plain(experts);
    Random random = new Random(11);
    for (int i = 0; i < 1500; i++) {
      int layer = i % 3;
      int[] selected = random.ints(1 + random.nextInt(2), 0, experts[layer]).distinct().toArray();
      policy.used(layer, selected, selected.length);
      plain.used(layer, Arrays.stream(selected).boxed().toList());
      for (int l = 0; l < 3; l++) {
        for (int expert = 0; expert < experts[l]; expert++) {
          assertEquals(plain.worth(l, expert), policy.worth(l, expert), 1e-4);
        }
      }
    }
  }

  /** Four experts take turns, each as frequent as any other: only their order tells them apart. */
  @Test
  void learnsWhatFollowsWhat() {
    EvictionPolicy policy = EvictionKind.LEARNED.create(new int[] {24}, 0);
    for (int i = 0; i < 24_000; i++) {
      policy.used(0, new int[] {i % 24}, 1);
    }
    // What ran 20 calls ago runs again in 4; what ran 10 calls ago, in 14.
    for (int i = 0; i < 24; i++) {
      policy.used(0, new int[] {i}, 1);
      assertTrue(policy.worth(0, (i + 4) % 24) > policy.worth(0, (i + 14) % 24), "after " + i);
    }
  }

  /**
   * Prompts that select nearly all experts, and tokens that select one, again and again: of weights
   * that selections of different sizes share, one prediction's step may be another's error.
   */
  @Test
  void staysAShareHoweverSelectionsDiffer() {
    int[][][] rounds = {
      {{0, 4, 5, 3, 2, 1}, {1}, {4, 2, 3, 0, 5}, {1}, {3}, {1, 3, 2, 4, 5}, {5, 4, 3, 1, 2, 0}},
      {
        {3, 11, 1, 5, 10, 2, 8, 4, 9},
        {0},
        {1, 9, 11, 5, 10},
        {2, 5, 7, 11, 10, 4, 1, 3},
        {7, 10, 5, 9, 11, 6, 8},
        {11},
        {2, 7, 4, 5, 11, 6, 8, 10, 3, 0, 1, 9},
        {7}
      },
      {
        {5},
        {8, 0, 1, 4, 7, 3, 5, 6},
        {2, 3, 5, 0, 6},
        {0},
        {8},
        {6, 8, 4, 5, 0, 1, 7},
        {3},
        {5, 2, 6, 8, 4, 7, 1},
        {5, 3, 7, 2, 4, 6, 1, 0, 8},
        {3, 8, 4, 1, 7},
        {0, 6, 5, 8, 3, 4, 7, 2, 1}
      }
    };
    for (int[][] round : rounds) {
      int experts = Arrays.stream(round).flatMapToInt(Arrays::stream).max().orElseThrow() + 1;
      EvictionPolicy policy = EvictionKind.LEARNED.create(new int[] {experts}, 0);
      for (int call = 0; call < 100_000; call++) {
        int[] selected = round[call % round.length];
        policy.used(0, selected, selected.length);
        for (int expert = 0; expert < experts; expert++) {
          float worth = policy.worth(0, expert);
          assertTrue(worth >= 0 && worth < 2, "call " + call + ": " + worth);
        }
      }
    }
  }
}
