package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What was last used in the earliest pass over the layers goes. Experts of one pass are worth the
 * same, so that whoever chooses among them can go by the distance of their layers.
 *
 * <p>A pass begins when the first layer is called.
 */
final class LeastStale implements EvictionPolicy {
  private final ExpertIndex index;
  private final AtomicLong pass = new AtomicLong(1);
  private final AtomicLongArray lastPass;

  LeastStale(ExpertIndex index) {
    this.index = index;
    lastPass = new AtomicLongArray(index.total());
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    long now = layer == 0 ? pass.incrementAndGet() : pass.get();
    for (int i = 0; i < count; i++) {
      lastPass.setOpaque(index.of(layer, experts[i]), now);
    }
  }

  @Override
  public float worth(int layer, int expert) {
    long last = lastPass.getOpaque(index.of(layer, expert));
    return last == 0 ? Float.NEGATIVE_INFINITY : last - pass.get();
  }
}
