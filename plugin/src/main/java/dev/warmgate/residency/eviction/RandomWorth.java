package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Any expert goes, all with the same chance: what every other policy must beat. Worths are drawn
 * anew at each call of a layer, from a seed.
 */
final class RandomWorth implements EvictionPolicy {
  private final ExpertIndex index;
  private final long seed;
  private final AtomicLong calls = new AtomicLong();

  RandomWorth(ExpertIndex index, long seed) {
    this.index = index;
    this.seed = seed;
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    calls.incrementAndGet();
  }

  @Override
  public float worth(int layer, int expert) {
    long draw = mix(mix(seed + calls.get()) + index.of(layer, expert));
    return (draw >>> 40) * 0x1p-24f;
  }

  /** The output function of SplitMix64 (Steele, Lea, Flood 2014), with its increment. */
  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
