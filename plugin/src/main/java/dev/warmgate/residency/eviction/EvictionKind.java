package dev.warmgate.residency.eviction;

import java.util.Locale;

/** The eviction policies by the names that options have for them. */
public enum EvictionKind {
  /** What ships: {@link #LEARNED}. */
  DEFAULT,
  /** Recent frequency, corrected by what usually follows the experts that ran last. */
  LEARNED,
  /** Recent frequency. */
  DECAYED_LFU,
  /** Time of the last use. */
  LRU,
  /** Frequency since the start. */
  LFU,
  /** Pass of the last use. */
  LEAST_STALE,
  /** Chance. */
  RANDOM;

  /** The decay that the published figures of decayed LFU are for. */
  private static final double DECAY = 0.98;

  /** The name in options: lower case, with hyphens. */
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * How the layers of a cache share its slots. Learned worths tell experts of different layers
   * apart well enough for slots to go where they help most. A plain frequency underrates what has
   * just come in, which costs more than the pool brings where memory is scarce; and where worth is
   * a time or a number, the layers that come round last would lose all of theirs.
   */
  public Sharing sharing() {
    return switch (this) {
      case DEFAULT, LEARNED -> Sharing.POOL;
      case DECAYED_LFU, LRU, LFU, LEAST_STALE, RANDOM -> Sharing.EQUAL;
    };
  }

  /**
   * A policy that has seen nothing yet.
   *
   * @param experts how many each layer has, in the order of their execution
   * @param seed for what is random
   * @throws IllegalArgumentException if there is no layer, or one without experts
   */
  public EvictionPolicy create(int[] experts, long seed) {
    ExpertIndex index = new ExpertIndex(experts);
    return switch (this) {
      case DEFAULT, LEARNED -> new LearnedWorth(index);
      case DECAYED_LFU -> new DecayedLfu(index, DECAY);
      case LRU -> new LeastRecentlyUsed(index);
      case LFU -> new LeastFrequentlyUsed(index);
      case LEAST_STALE -> new LeastStale(index);
      case RANDOM -> new RandomWorth(index, seed);
    };
  }
}
