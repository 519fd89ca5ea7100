package dev.warmgate.residency.eviction;

/**
 * How much each expert is worth keeping in memory. Whoever must make room empties the slot of least
 * worth.
 *
 * <p>A policy knows nothing of slots: it has seen which experts ran, resident or not, so that the
 * caches of a server and a simulation use the same one. Layers and experts are numbered from 0.
 *
 * <p>Both methods are called by many threads without locks, and allocate nothing. Calls that race
 * may be taken in either order.
 */
public interface EvictionPolicy {

  /**
   * Notes that a layer was executed.
   *
   * @param layer the layer
   * @param experts ids of the distinct experts that its tokens selected
   * @param count how many of them are meant
   */
  void used(int layer, int[] experts, int count);

  /**
   * The worth of an expert now. Comparable among all experts of the policy; what ran just now is
   * never worth less than what never ran.
   */
  float worth(int layer, int expert);

  /**
   * What an expert is worth that a caller expects to run.
   *
   * @param probability that the next call of its layer runs it
   * @return as {@link #worth} has it; by default the probability itself
   */
  default float expected(float probability) {
    return probability;
  }
}
