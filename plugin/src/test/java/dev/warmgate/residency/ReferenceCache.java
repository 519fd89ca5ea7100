package dev.warmgate.residency;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;

/** What {@link ExpertCache} says it does, for one thread, by plain loops over plain arrays. */
final class ReferenceCache {
  private final int[] layerIn;
  private final int[] expertIn;
  private final long[] lastUse;
  private final int quota;
  final Set<Integer> leased = new HashSet<>();
  long hits;
  long misses;
  int peak;
  private long tick;

  ReferenceCache(int slots, int layers) {
    layerIn = new int[slots];
    expertIn = new int[slots];
    lastUse = new long[slots];
    Arrays.fill(expertIn, -1);
    quota = Math.max(1, slots / layers);
  }

  int slotOf(int layer, int expert) {
    for (int s = 0; s < expertIn.length; s++) {
      if (expertIn[s] == expert && layerIn[s] == layer) {
        return s;
      }
    }
    return -1;
  }

  int occupied() {
    return (int) Arrays.stream(expertIn).filter(e -> e >= 0).count();
  }

  /** A call that wants no more experts than there are slots; it leases all of them. */
  int[] call(int layer, int[] wanted) {
    count(layer, wanted);
    int[] slots = new int[wanted.length];
    Arrays.fill(slots, -1);
    for (int i = 0; i < wanted.length; i++) {
      slots[i] = slotOf(layer, wanted[i]);
      if (slots[i] >= 0) {
        lastUse[slots[i]] = tick;
        leased.add(slots[i]);
      }
    }
    for (int i = 0; i < wanted.length; i++) {
      if (slots[i] < 0) {
        slots[i] = takeSlot(layer);
        place(slots[i], layer, wanted[i]);
        leased.add(slots[i]);
      }
    }
    return slots;
  }

  /** Counts a call's hits and misses before it begins, and advances the time. */
  void count(int layer, int[] wanted) {
    tick++;
    for (int expert : wanted) {
      if (slotOf(layer, expert) >= 0) {
        hits++;
      } else {
        misses++;
      }
    }
  }

  /** An expert was seen in a slot. */
  void place(int slot, int layer, int expert) {
    layerIn[slot] = layer;
    expertIn[slot] = expert;
    lastUse[slot] = tick;
    peak = Math.max(peak, occupied());
  }

  private int takeSlot(int layer) {
    for (int s = 0; s < expertIn.length; s++) {
      if (expertIn[s] < 0) {
        return s;
      }
    }
    int victim =
        count(layer) >= quota
            ? oldest(s -> layerIn[s] == layer)
            : oldest(s -> count(layerIn[s]) > quota);
    return victim >= 0 ? victim : oldest(s -> true);
  }

  private int oldest(IntPredicate candidate) {
    int oldest = -1;
    for (int s = 0; s < expertIn.length; s++) {
      if (!leased.contains(s)
          && candidate.test(s)
          && (oldest < 0 || lastUse[s] < lastUse[oldest])) {
        oldest = s;
      }
    }
    return oldest;
  }

  private int count(int layer) {
    int count = 0;
    for (int s = 0; s < expertIn.length; s++) {
      if (expertIn[s] >= 0 && layerIn[s] == layer) {
        count++;
      }
    }
    return count;
  }
}
