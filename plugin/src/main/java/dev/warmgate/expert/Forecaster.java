package dev.warmgate.expert;

import java.lang.foreign.MemorySegment;

/** Foresees what the next layer will want. Shared by threads; allocates nothing once warm. */
interface Forecaster extends AutoCloseable {

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

  @Override
  default void close() {}
}
