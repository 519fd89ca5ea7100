package dev.warmgate.routing;

import dev.warmgate.decay.DecayingValues;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How much a layer's gate wanted each expert lately: an exponential moving average, shared by all
 * threads without a lock.
 *
 * <p>For each token every value is multiplied by {@code decay}; those of the wanted experts then
 * grow by {@code boost}, up to {@code max}.
 *
 * <p>Under concurrency the values are those of some serial order of the tokens, up to the order in
 * which two threads' tokens are numbered; counts are exact. Nothing is allocated.
 */
public final class Affinity {
  private final float boost;
  private final float max;
  private final AtomicLong tokens = new AtomicLong();
  private final DecayingValues values;
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
    this.boost = boost;
    this.max = max;
    this.values = new DecayingValues(experts, decay);
    this.counts = new AtomicLongArray(experts);
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
    values.add(expert, (int) token, boost, max);
  }

  /** The value as of now. */
  public float value(int expert) {
    return values.value(expert, (int) tokens.get());
  }

  /** How many tokens wanted the expert. */
  public long count(int expert) {
    return counts.get(expert);
  }

  /** How many tokens there were. */
  public long tokens() {
    return tokens.get();
  }
}
