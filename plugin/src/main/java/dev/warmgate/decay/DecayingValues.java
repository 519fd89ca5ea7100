package dev.warmgate.decay;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Values that are all multiplied by {@code decay} at each step of a clock, which the caller keeps.
 *
 * <p>They are not touched at each step: a value is kept with the step that it was last brought up
 * to date for, and the decay that is due is made up for when it is read or grows. Value and step
 * are one long, changed by one compare-and-set. Steps may wrap.
 *
 * <p>Under concurrency the values are those of some serial order. A step that another thread has
 * overtaken counts as of the later time.
 */
public final class DecayingValues {
  /** Powers of the decay for steps not long ago, which are nearly all that are asked for. */
  private static final int TABLE = 1024;

  private final float[] powers = new float[TABLE];
  private final float decay;
  private final AtomicLongArray cells;

  /**
   * All values 0.
   *
   * @param decay in 0..1
   */
  public DecayingValues(int count, float decay) {
    this.decay = decay;
    this.cells = new AtomicLongArray(count);
    double power = 1;
    for (int i = 0; i < TABLE; i++) {
      powers[i] = (float) power;
      power *= decay;
    }
  }

  /**
   * Lets a value grow by {@code amount}, up to {@code most}.
   *
   * @param now the clock's step
   */
  public void add(int index, int now, float amount, float most) {
    while (true) {
      long cell = cells.get(index);
      int distance = distance(now, cell);
      float value = Math.min(value(cell) * power(distance) + amount, most);
      if (cells.compareAndSet(index, cell, cell(value, step(cell) + distance))) {
        return;
      }
    }
  }

  /**
   * The value as of a step.
   *
   * @param now the clock's step
   */
  public float value(int index, int now) {
    long cell = cells.get(index);
    return value(cell) * power(distance(now, cell));
  }

  private float power(int distance) {
    return distance < TABLE ? powers[distance] : (float) Math.pow(decay, distance);
  }

  private static int distance(int now, long cell) {
    return Math.max(now - step(cell), 0);
  }

  private static long cell(float value, int step) {
    return ((long) step << Integer.SIZE) | Integer.toUnsignedLong(Float.floatToRawIntBits(value));
  }

  private static float value(long cell) {
    return Float.intBitsToFloat((int) cell);
  }

  private static int step(long cell) {
    return (int) (cell >>> Integer.SIZE);
  }
}
