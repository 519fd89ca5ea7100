package dev.warmgate.onnx;

/**
 * One tensor of a MoE layer; expert {@code e} owns bytes {@code [e * stride, (e + 1) * stride)} of
 * it.
 *
 * @param role what the layer uses it for
 * @param tensor the whole tensor, experts along its first dimension
 * @param stride bytes of one expert
 */
public record ExpertTensor(Role role, Initializer tensor, long stride) {
  /** Uses of a tensor in an expert. */
  public enum Role {
    FC1_WEIGHTS,
    FC1_SCALES,
    FC1_ZERO_POINTS,
    FC1_BIAS,
    FC2_WEIGHTS,
    FC2_SCALES,
    FC2_ZERO_POINTS,
    FC2_BIAS
  }
}
