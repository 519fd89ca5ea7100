package dev.warmgate.expert;

/**
 * A layer's gate, as the model has it: {@code logits = x · Wᵀ + b}, where x are the layer's hidden
 * states. Immutable: it keeps the arrays, which the caller leaves alone from then on.
 */
public final class GateMatrix {
  private final int experts;
  private final int hidden;
  private final float[] weights;
  private final float[] bias;
  private final float[] norm;

  /**
   * A gate.
   *
   * @param experts E
   * @param hidden H
   * @param weights {@code f32[E, H]}
   * @param bias {@code f32[E]}; zeros if it has none
   * @param norm {@code f32[H]}: by what the normalisation before the layer multiplies; ones if it
   *     isn't known
   * @throws IllegalArgumentException if an array has another length
   */
  public GateMatrix(int experts, int hidden, float[] weights, float[] bias, float[] norm) {
    if (weights.length != (long) experts * hidden
        || bias.length != experts
        || norm.length != hidden) {
      throw new IllegalArgumentException(
          "a gate of %d experts and width %d with %d weights, %d biases and a norm of %d"
              .formatted(experts, hidden, weights.length, bias.length, norm.length));
    }
    this.experts = experts;
    this.hidden = hidden;
    this.weights = weights;
    this.bias = bias;
    this.norm = norm;
  }

  int experts() {
    return experts;
  }

  int hidden() {
    return hidden;
  }

  float weight(int expert, int column) {
    return weights[expert * hidden + column];
  }

  float bias(int expert) {
    return bias[expert];
  }

  float norm(int column) {
    return norm[column];
  }
}
