package dev.warmgate.expert;

import java.lang.foreign.MemorySegment;

/** Foresees what the next layer will want. Shared by threads; allocates nothing once warm. */
interface Forecaster extends AutoCloseable {

  /** Whether it can say anything of the layer after {@code layer}. */
  default boolean knows(int layer) {
    return true;
  }

  /**
   * Names the experts that the layer after {@code layer} will probably want, the likeliest first.
   *
   * @param hidden the hidden states that {@code layer} got, {@code f32[tokens, H]}
   * @param tokens at least 1
   * @param chosen the experts that {@code layer} selected
   * @param ids receives ids, as many as fit
   * @return how many; 0 if nothing can be said
   */
  int forecast(int layer, MemorySegment hidden, int tokens, Assignments chosen, int[] ids);

  /**
   * Notes what a layer selected after the one before it had selected {@code before}, for the same
   * tokens; after the last layer comes the first, of the next ones.
   *
   * @param layer the earlier one
   */
  default void learn(int layer, int[] before, int beforeCount, int tokens, Assignments chosen) {}

  @Override
  default void close() {}
}
