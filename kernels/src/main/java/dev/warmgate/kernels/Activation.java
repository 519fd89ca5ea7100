package dev.warmgate.kernels;

/**
 * The function between the two matrices of an expert, as ONNX Runtime's CPU operator computes it.
 */
public enum Activation {
  /** {@code max(x, 0)}; 0 for NaN. */
  RELU,
  /** {@code x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))}: the operator uses the tanh form. */
  GELU,
  /** {@code x · sigmoid(x)}. */
  SILU,
  /** {@code x}. */
  IDENTITY,
  /** SwiGLU with rows 2i (gate) and 2i+1 (linear) of fc1. */
  SWIGLU_INTERLEAVED,
  /** SwiGLU with rows i (gate) and inner+i (linear) of fc1. */
  SWIGLU_HALVES;

  /** Whether fc1 has two rows for each inner element. */
  public boolean gated() {
    return this == SWIGLU_INTERLEAVED || this == SWIGLU_HALVES;
  }
}
