package dev.warmgate.routing;

import dev.warmgate.routing.GateRule.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Combine weights that come from an input of their own, {@code router_weights} of {@code QMoE}, and
 * not from the logits that experts were selected by. Allocates nothing.
 */
public final class GivenWeights {
  /** Not above this a weight counts as none: its expert is left out, as ONNX Runtime does. */
  static final float LEAST = 1e-8f;

  private GivenWeights() {}

  /**
   * Gives a selection its combine weights.
   *
   * @param rule one with given weights
   * @param given {@code f32[tokens, experts]}
   * @param selection of these tokens
   */
  public static void apply(GateRule rule, MemorySegment given, Selection selection) {
    for (int token = 0; token < selection.tokens(); token++) {
      int first = token * rule.topK();
      float sum = 0;
      for (int a = first; a < first + rule.topK(); a++) {
        sum += of(rule, given, token, selection.expert(a));
      }
      for (int a = first; a < first + rule.topK(); a++) {
        float weight = of(rule, given, token, selection.expert(a));
        if (rule.weights() == Weights.GIVEN_NORMALIZED) {
          weight = sum == 0 ? 0 : weight / sum;
        }
        // NaN isn't above it either.
        selection.weights().setAtIndex(ValueLayout.JAVA_FLOAT, a, weight > LEAST ? weight : 0);
      }
    }
  }

  private static float of(GateRule rule, MemorySegment given, int token, int expert) {
    long index = (long) token * rule.experts() + expert;
    return expert < 0 ? 0 : given.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
  }
}
