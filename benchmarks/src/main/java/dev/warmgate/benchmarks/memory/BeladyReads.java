package dev.warmgate.benchmarks.memory;

import java.util.Arrays;

/**
 * How many experts must be read at least, with so many slots for all layers together: each time the
 * expert that is needed last makes room (Belady 1966).
 */
final class BeladyReads {
  private static final int NEVER = Integer.MAX_VALUE;

  private final Routes routes;

  /** Per step, a layer of a token, and rank: the step in which the expert runs next. */
  private final int[] next;

  BeladyReads(Routes routes) {
    this.routes = routes;
    int topK = routes.topK();
    next = new int[routes.tokens() * routes.layers() * topK];
    int[] due = new int[routes.layers() * routes.experts()];
    Arrays.fill(due, NEVER);
    for (int step = routes.tokens() * routes.layers() - 1; step >= 0; step--) {
      for (int rank = 0; rank < topK; rank++) {
        int expert = expert(step, rank);
        next[step * topK + rank] = due[expert];
        due[expert] = step;
      }
    }
  }

  private int expert(int step, int rank) {
    int layer = step % routes.layers();
    return layer * routes.experts() + routes.expert(step / routes.layers(), layer, rank);
  }

  /**
   * Reads for the tokens from {@code from} until before {@code to}, when those before {@code from}
   * have warmed the slots.
   */
  long count(int slots, int from, int to) {
    int topK = routes.topK();
    int[] holds = new int[Math.max(slots, topK)];
    Arrays.fill(holds, -1);
    int[] slotOf = new int[routes.layers() * routes.experts()];
    Arrays.fill(slotOf, -1);
    int[] due = new int[slotOf.length];
    long reads = 0;
    for (int step = 0; step < to * routes.layers(); step++) {
      for (int rank = 0; rank < topK; rank++) {
        int expert = expert(step, rank);
        if (slotOf[expert] < 0) {
          // None of this step's experts: they are due now, all others later.
          int slot = last(holds, due);
          if (holds[slot] >= 0) {
            slotOf[holds[slot]] = -1;
          }
          holds[slot] = expert;
          slotOf[expert] = slot;
          reads += step >= from * routes.layers() ? 1 : 0;
        }
      }
      for (int rank = 0; rank < topK; rank++) {
        due[expert(step, rank)] = next[step * topK + rank];
      }
    }
    return reads;
  }

  /** An empty slot, or the one whose expert is needed last. */
  private static int last(int[] holds, int[] due) {
    int last = 0;
    for (int slot = 0; slot < holds.length; slot++) {
      if (holds[slot] < 0) {
        return slot;
      }
      if (due[holds[slot]] > due[holds[last]]) {
        last = slot;
      }
    }
    return last;
  }
}
