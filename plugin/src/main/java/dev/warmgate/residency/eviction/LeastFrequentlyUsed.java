package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicLongArray;

/** What was used in the fewest calls since the start goes; nothing is ever forgotten. */
final class LeastFrequentlyUsed implements EvictionPolicy {
  private final ExpertIndex index;
  private final AtomicLongArray counts;

  LeastFrequentlyUsed(ExpertIndex index) {
    this.index = index;
    counts = new AtomicLongArray(index.total());
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    for (int i = 0; i < count; i++) {
      counts.incrementAndGet(index.of(layer, experts[i]));
    }
  }

  @Override
  public float worth(int layer, int expert) {
    return counts.get(index.of(layer, expert));
  }
}
