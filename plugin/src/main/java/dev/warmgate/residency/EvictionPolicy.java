package dev.warmgate.residency;

import java.util.function.IntPredicate;

/**
 * Which resident expert makes room for an absent one.
 *
 * <p>{@link #used} is called without a lock by many threads; {@link #victim} by one at a time.
 */
interface EvictionPolicy {

  /**
   * Notes that a slot's expert was asked for.
   *
   * @param slot the slot
   * @param tick the asking call's number; later calls have higher ones
   */
  void used(int slot, long tick);

  /**
   * The slot to empty.
   *
   * @param candidate says whether a slot may be chosen
   * @return a slot, or −1 if there is no candidate
   */
  int victim(IntPredicate candidate);
}
