package dev.warmgate.routing;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How much a layer's gate wanted each expert lately: an exponential moving average, shared by all
 * threads without a lock.
 *
 * <p>For each token every value is multiplied by {@code decay}; those of the wanted experts then
 * grow by {@code boost}, up to {@code max}. Decaying all of them each time is not needed: a value
 * is kept with the number of the token that it was last brought up to date for, and the decay that
 * is due is made up for when it is read or grows. Value and number are one long, changed by one
 * compare-and-set.
 *
 * <p>Under concurrency the values are those of some serial order of the tokens, up to the order in
 * which two threads' tokens are numbered; counts are exact. Nothing is allocated.
 */
public final class Affinity {
  /** Powers of the decay for tokens not long ago, which are nearly all that are asked for. */
  private static final int TABLE = 1024;

  private final float[] powers = new float[TABLE];
  private final float decay;
  private final float boost;
  private final float max;
  private final AtomicLong tokens = new AtomicLong();
  private final AtomicLongArray cells;
  private final AtomicLongArray counts;

  /** A decay of 0.99, a boost of 1, at most 1. */
  public Affinity(int experts) {
    this(experts, 0.99f, 1, 1);
  }

  /**
   * All values 0.
   *
   * @param decay in 0..1
   * @param boost above 0
   * @param max above 0
   */
  public Affinity(int experts, float decay, float boost, float max) {
    if (!(decay >= 0 && decay <= 1) || !(boost > 0) || !(max > 0)) {
      throw new IllegalArgumentException(
          "no valid affinity: decay %s, boost %s, max %s".formatted(decay, boost, max));
    }
    this.decay = decay;
    this.boost = boost;
    this.max = max;
    this.cells = new AtomicLongArray(experts);
    this.counts = new AtomicLongArray(experts);
    double power = 1;
    for (int i = 0; i < TABLE; i++) {
      powers[i] = (float) power;
      power *= decay;
    }
  }

  /**
   * Begins a token.
   *
   * @return its number, for {@link #want}
   */
  public long nextToken() {
    return tokens.incrementAndGet();
  }

  /** Notes that a token's gate wants an expert. */
  public void want(int expert, long token) {
    counts.incrementAndGet(expert);
    while (true) {
      long cell = cells.get(expert);
      // A token that another thread has overtaken counts as of the later time.
      int now = Math.max((int) token, number(cell));
      float value = Math.min(value(cell) * power(now - number(cell)) + boost, max);
      if (cells.compareAndSet(expert, cell, cell(value, now))) {
        return;
      }
    }
  }

  /** The value as of now. */
  public float value(int expert) {
    long cell = cells.get(expert);
    return value(cell) * power(Math.max((int) tokens.get() - number(cell), 0));
  }

  /** How many tokens wanted the expert. */
  public long count(int expert) {
    return counts.get(expert);
  }

  /** How many tokens there were. */
  public long tokens() {
    return tokens.get();
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
