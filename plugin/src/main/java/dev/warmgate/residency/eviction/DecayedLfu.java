package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Least frequently used, with old uses counting less: at each call of a layer all its values are
 * multiplied by {@code decay}, and those of the experts that run grow by 1.
 *
 * <p>Not all are decayed each time: a value is kept with the number of the call that it was last
 * brought up to date for, and the decay that is due is made up for when it is read or grows. Value
 * and number are one long, changed by one compare-and-set.
 */
final class DecayedLfu implements EvictionPolicy {
  /** Powers of the decay for calls not long ago, which are nearly all that are asked for. */
  private static final int TABLE = 512;

  private final ExpertIndex index;
  private final double decay;
  private final float[] powers = new float[TABLE];
  private final AtomicIntegerArray calls;
  private final AtomicLongArray cells;

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
    cells = new AtomicLongArray(index.total());
    for (int i = 0; i < TABLE; i++) {
      powers[i] = (float) Math.pow(decay, i);
    }
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    int call = calls.incrementAndGet(layer);
    for (int i = 0; i < count; i++) {
      use(index.of(layer, experts[i]), call);
    }
  }

  private void use(int expert, int call) {
    while (true) {
      long cell = cells.get(expert);
      // A call that another thread has overtaken counts as of the later time. Numbers may wrap.
      int distance = Math.max(call - number(cell), 0);
      float value = value(cell) * power(distance) + 1;
      if (cells.compareAndSet(expert, cell, cell(value, number(cell) + distance))) {
        return;
      }
    }
  }

  @Override
  public float worth(int layer, int expert) {
    long cell = cells.get(index.of(layer, expert));
    return value(cell) * power(Math.max(calls.get(layer) - number(cell), 0));
  }

  /** What the value of an expert comes to that runs in this share of the calls. */
  @Override
  public float expected(float probability) {
    return probability / (float) (1 - decay);
  }

  private float power(int distance) {
    return distance < TABLE ? powers[distance] : (float) Math.pow(decay, distance);
  }

  private static long cell(float value, int number) {
    return ((long) number << Integer.SIZE) | Integer.toUnsignedLong(Float.floatToRawIntBits(value));
  }

  private static float value(long cell) {
    return Float.intBitsToFloat((int) cell);
  }

  private static int number(long cell) {
    return (int) (cell >>> Integer.SIZE);
  }
}
