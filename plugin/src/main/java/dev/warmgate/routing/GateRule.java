package dev.warmgate.routing;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Ties;

/**
 * What an operator does with gate logits.
 *
 * @param experts E
 * @param topK k: experts a token
 * @param over what the softmax of the combine weights runs over
 * @param ties which of two equal logits wins
 */
public record GateRule(int experts, int topK, Denominator over, Ties ties) {

  /**
   * @throws IllegalArgumentException unless 1 ≤ k ≤ E
   */
  public GateRule {
    if (topK < 1 || topK > experts) {
      throw new IllegalArgumentException(
          "top-%d of %d experts is not a selection".formatted(topK, experts));
    }
  }

  /**
   * The rule of {@code com.microsoft::MoE}, as ONNX Runtime 1.29 computes it: softmax over all
   * experts, then the k best, the higher id among equals; renormalised if the attribute says so,
   * which is the same as a softmax over the selected.
   */
  public static GateRule moe(int experts, int topK, boolean normalizeRoutingWeights) {
    Denominator over = normalizeRoutingWeights ? Denominator.SELECTED : Denominator.ALL;
    return new GateRule(experts, topK, over, Ties.HIGHER_ID);
  }
}
