package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What was used longest ago goes, in the strict order of the calls of all layers.
 *
 * <p>That order is good within a layer. Over all layers it would always empty the slots of the
 * layers that come next.
 */
final class LeastRecentlyUsed implements EvictionPolicy {
  private final ExpertIndex index;
  private final AtomicLong clock = new AtomicLong();
  private final AtomicLongArray lastUse;

  LeastRecentlyUsed(ExpertIndex index) {
    this.index = index;
    lastUse = new AtomicLongArray(index.total());
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    long now = clock.incrementAndGet();
    for (int i = 0; i < count; i++) {
      // A race lost to another call costs nothing: both were just now.
      lastUse.setOpaque(index.of(layer, experts[i]), now);
    }
  }

  /** In calls, so that a float is exact for what was used less than 16 million calls ago. */
  @Override
  public float worth(int layer, int expert) {
    long last = lastUse.getOpaque(index.of(layer, expert));
    return last == 0 ? Float.NEGATIVE_INFINITY : last - clock.get();
  }
}
