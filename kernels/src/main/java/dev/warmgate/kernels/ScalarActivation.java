package dev.warmgate.kernels;

/** The activations in double precision. NaN stays NaN, but for RELU. */
final class ScalarActivation {
  private static final double SQRT_2_OVER_PI = 0.7978845608028654;
  private static final double CUBE = 0.044715;

  private ScalarActivation() {}

  static double apply(Activation activation, double x) {
    return switch (activation) {
      case RELU -> x > 0 ? x : 0;
      // 1 + tanh(u) = 2 sigmoid(2u).
      case GELU -> x * sigmoid(2 * SQRT_2_OVER_PI * (x + CUBE * x * x * x));
      case SILU -> x * sigmoid(x);
      case IDENTITY -> x;
      case SWIGLU_INTERLEAVED, SWIGLU_HALVES ->
          throw new IllegalArgumentException(activation + " takes two values");
    };
  }

  static double gated(FfnShape shape, double gate, double linear) {
    double limit = shape.limit();
    double g = gate > limit ? limit : gate;
    double l = linear > limit ? limit : linear < -limit ? -limit : linear;
    return g * sigmoid(shape.alpha() * g) * (l + shape.beta());
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
