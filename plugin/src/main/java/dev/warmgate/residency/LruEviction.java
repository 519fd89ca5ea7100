package dev.warmgate.residency;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntPredicate;

/** The least recently used expert goes; among equals the one in the lower slot. */
final class LruEviction implements EvictionPolicy {
  private final AtomicLongArray lastUse;

  LruEviction(int slots) {
    lastUse = new AtomicLongArray(slots);
  }

  @Override
  public void used(int slot, long tick) {
    // A lost race between two calls costs nothing: both were just now.
    lastUse.setOpaque(slot, tick);
  }

  @Override
  public int victim(IntPredicate candidate) {
    int oldest = -1;
    long oldestUse = Long.MAX_VALUE;
    for (int slot = 0; slot < lastUse.length(); slot++) {
      long use = lastUse.getOpaque(slot);
      if (use < oldestUse && candidate.test(slot)) {
        oldest = slot;
        oldestUse = use;
      }
    }
    return oldest;
  }
}
