package dev.warmgate.simulate;

import dev.warmgate.residency.eviction.EvictionPolicy;
import java.util.Arrays;

/**
 * What is needed last goes: with the future known, no policy has fewer misses (Belady 1966), as
 * long as nothing is read ahead. The calls must be those of the trace, in its order.
 */
final class Belady implements EvictionPolicy {
  private static final int NEVER = Integer.MAX_VALUE;

  private final int layers;
  private final int experts;

  /** Per step and rank: the step in which the expert runs next. */
  private final int[] next;

  /** Per expert: the step in which it runs next. */
  private final int[] due;

  private int step = -1;
  private int position;

  /**
   * @throws IllegalArgumentException if the trace is too long
   */
  Belady(Trace trace) {
    layers = trace.header().layers();
    experts = trace.header().experts();
    int topK = trace.header().topK();
    long uses = trace.tokens() * layers * topK;
    if (uses > 1 << 29) {
      throw new IllegalArgumentException("the trace is too long for policy belady");
    }
    next = new int[(int) uses];
    due = new int[layers * experts];
    Arrays.fill(due, NEVER);
    int[] offsets = order(trace);
    for (int i = offsets.length - 1; i >= 0; i--) {
      for (int layer = layers - 1; layer >= 0; layer--) {
        int now = i * layers + layer;
        for (int rank = 0; rank < topK; rank++) {
          int expert = layer * experts + trace.expert(offsets[i], layer, rank);
          next[now * topK + rank] = due[expert];
          due[expert] = now;
        }
      }
    }
  }

  /** The tokens in the order of the sequences. */
  private static int[] order(Trace trace) {
    int[] order = new int[(int) trace.tokens()];
    int i = 0;
    for (Trace.Sequence sequence : trace.sequences()) {
      for (long token = sequence.offset(); token < sequence.end(); token++) {
        order[i++] = (int) token;
      }
    }
    return order;
  }

  @Override
  public void used(int layer, int[] selected, int count) {
    step++;
    for (int i = 0; i < count; i++) {
      due[layer * experts + selected[i]] = next[position++];
    }
  }

  /** In steps, so that a float is exact for what is needed within 16 million. */
  @Override
  public float worth(int layer, int expert) {
    int then = due[layer * experts + expert];
    return then == NEVER ? Float.NEGATIVE_INFINITY : step - then;
  }
}
