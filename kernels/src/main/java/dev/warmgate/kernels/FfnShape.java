package dev.warmgate.kernels;

/**
 * What the experts of one layer have in common.
 *
 * @param hidden size of a token's vector, H ≥ 1
 * @param inner size between the two matrices, I ≥ 1
 * @param activation the function between them
 * @param alpha SwiGLU: slope of the sigmoid; unused by the others
 * @param beta SwiGLU: added to the linear part; unused by the others
 * @param limit SwiGLU: bound of gate (above) and linear part (both sides), not negative; {@link
 *     Float#POSITIVE_INFINITY} for none
 * @param format how both matrices are stored
 * @param precision what quantised weights are multiplied by
 */
public record FfnShape(
    int hidden,
    int inner,
    Activation activation,
    float alpha,
    float beta,
    float limit,
    WeightFormat format,
    Precision precision) {

  /** The largest size of a dimension: the rows of fc1, 2I, must fit an int. */
  public static final int MAX_DIMENSION = 1 << 24;

  /** Checks the ranges. */
  public FfnShape {
    if (hidden < 1 || hidden > MAX_DIMENSION || inner < 1 || inner > MAX_DIMENSION) {
      throw new IllegalArgumentException(
          String.format("expert shape %d x %d is outside 1..%d", hidden, inner, MAX_DIMENSION));
    }
    if (activation == null || format == null || precision == null) {
      throw new IllegalArgumentException(
          "expert shape without an activation, a weight format or a precision");
    }
    if (!Float.isFinite(alpha) || !Float.isFinite(beta) || !(limit >= 0)) {
      throw new IllegalArgumentException(
          String.format("SwiGLU alpha %s, beta %s, limit %s is no valid set", alpha, beta, limit));
    }
  }

  /** A shape in fp32. */
  public FfnShape(
      int hidden, int inner, Activation activation, float alpha, float beta, float limit) {
    this(hidden, inner, activation, alpha, beta, limit, WeightFormat.Real.FP32, Precision.EXACT);
  }

  /** The same function with other weights. */
  public FfnShape with(WeightFormat newFormat, Precision newPrecision) {
    return new FfnShape(hidden, inner, activation, alpha, beta, limit, newFormat, newPrecision);
  }

  /**
   * A shape in fp32 whose activation has no parameters, or the usual ones: alpha 1, beta 0, no
   * limit.
   */
  public static FfnShape of(int hidden, int inner, Activation activation) {
    return new FfnShape(hidden, inner, activation, 1f, 0f, Float.POSITIVE_INFINITY);
  }

  /** Rows of fc1: 2I if gated, else I. */
  public int rows1() {
    return activation.gated() ? 2 * inner : inner;
  }

  /** Bytes of one expert's two matrices, scales included, zero points and biases not. */
  public long weightBytes() {
    return format.weightBytes(rows1(), hidden)
        + format.scaleBytes(rows1(), hidden)
        + format.weightBytes(hidden, inner)
        + format.scaleBytes(hidden, inner);
  }
}
