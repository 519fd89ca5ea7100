package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The count against the best of all ways to make room. */
class BeladyReadsTest {
  private static final int LAYERS = 2;
  private static final int EXPERTS = 4;
  private static final int TOP_K = 2;
  private static final int TOKENS = 12;

  private final Routes routes = MadeUpRoutes.of(LAYERS, EXPERTS, TOP_K, TOKENS, 3);

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 7, 8})
  void noWayToMakeRoomReadsLess(int slots) {
    Map<Integer, Integer> reads = new HashMap<>(Map.of(0, 0));
    for (int step = 0; step < TOKENS * LAYERS; step++) {
      reads = after(reads, step, slots);
    }
    int least = reads.values().stream().mapToInt(Integer::intValue).min().orElseThrow();
    assertEquals(least, new BeladyReads(routes).count(slots, 0, TOKENS));
  }

  /** The least reads that lead to each content, a bit set of experts. */
  private Map<Integer, Integer> after(Map<Integer, Integer> before, int step, int slots) {
    int wanted = 0;
    for (int rank = 0; rank < TOP_K; rank++) {
      int layer = step % LAYERS;
      wanted |= 1 << (layer * EXPERTS + routes.expert(step / LAYERS, layer, rank));
    }
    Map<Integer, Integer> reads = new HashMap<>();
    for (Map.Entry<Integer, Integer> entry : before.entrySet()) {
      int read = entry.getValue() + Integer.bitCount(wanted & ~entry.getKey());
      for (int content : subsets(entry.getKey() | wanted, wanted, slots)) {
        reads.merge(content, read, Math::min);
      }
    }
    return reads;
  }

  private static List<Integer> subsets(int all, int wanted, int slots) {
    List<Integer> subsets = new ArrayList<>();
    for (int set = 0; set <= all; set++) {
      if ((set & ~all) == 0 && (set & wanted) == wanted && Integer.bitCount(set) <= slots) {
        subsets.add(set);
      }
    }
    return subsets;
  }

  @Test
  void readsBeforeTheFirstTokenDoNotCount() {
    BeladyReads reads = new BeladyReads(routes);
    assertEquals(reads.count(3, 0, TOKENS), reads.count(3, 0, 1) + reads.count(3, 1, TOKENS));
    assertEquals(0, reads.count(LAYERS * EXPERTS, TOKENS - 1, TOKENS - 1));
  }
}
