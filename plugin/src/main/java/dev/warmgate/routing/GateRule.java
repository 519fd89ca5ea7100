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
 * @param weights where combine weights come from
 */
public record GateRule(int experts, int topK, Denominator over, Ties ties, Weights weights) {

  /** Where combine weights come from. */
  public enum Weights {
    /** From the logits, by softmax. */
    LOGITS,
    /** From an input of their own, as they are. */
    GIVEN,
    /** From an input of their own, divided by their sum over a token's experts. */
    GIVEN_NORMALIZED
  }

  /**
   * @throws IllegalArgumentException unless 1 ≤ k ≤ E
   */
  public GateRule {
    if (topK < 1 || topK > experts) {
      throw new IllegalArgumentException(
          "top-%d of %d experts is not a selection".formatted(topK, experts));
    }
  }

  /** A rule whose combine weights come from the logits. */
  public GateRule(int experts, int topK, Denominator over, Ties ties) {
    this(experts, topK, over, ties, Weights.LOGITS);
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

  /**
   * The rule of {@code com.microsoft::QMoE}, as ONNX Runtime 1.29 computes it: the k highest
   * logits, the higher id among equals, then softmax over the selected, whatever the attribute
   * says.
   */
  public static GateRule qmoe(int experts, int topK) {
    return new GateRule(experts, topK, Denominator.SELECTED, Ties.HIGHER_ID);
  }

  /** The same selection with combine weights from an input of their own. */
  public GateRule withGivenWeights(boolean normalizeRoutingWeights) {
    return new GateRule(
        experts,
        topK,
        over,
        ties,
        normalizeRoutingWeights ? Weights.GIVEN_NORMALIZED : Weights.GIVEN);
  }

  /** Whether combine weights come from an input of their own. */
  public boolean givenWeights() {
    return weights != Weights.LOGITS;
  }
}
