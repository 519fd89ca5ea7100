package dev.warmgate.residency.eviction;

import dev.warmgate.decay.DecayingValues;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Least frequently used, with old uses counting less: at each call of a layer all its values are
 * multiplied by {@code decay}, and those of the experts that run grow by 1.
 */
final class DecayedLfu implements EvictionPolicy {
  private final ExpertIndex index;
  private final double decay;
  private final AtomicIntegerArray calls;
  private final DecayingValues values;

  /**
   * @param decay above 0 and below 1
   */
  DecayedLfu(ExpertIndex index, double decay) {
    if (!(decay > 0 && decay < 1)) {
      throw new IllegalArgumentException("no valid decay: " + decay);
    }
    this.index = index;
    this.decay = decay;
    calls = new AtomicIntegerArray(index.layers());
    values = new DecayingValues(index.total(), (float) decay);
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    int call = calls.incrementAndGet(layer);
    for (int i = 0; i < count; i++) {
      values.add(index.of(layer, experts[i]), call, 1, Float.POSITIVE_INFINITY);
    }
  }

  @Override
  public float worth(int layer, int expert) {
    return values.value(index.of(layer, expert), calls.get(layer));
  }

  /** What the value of an expert comes to that runs in this share of the calls. */
  @Override
  public float expected(float probability) {
    return probability / (float) (1 - decay);
  }
}
