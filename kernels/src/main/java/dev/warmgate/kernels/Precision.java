package dev.warmgate.kernels;

/** What quantised weights are multiplied by; other formats are always computed exactly. */
public enum Precision {
  /** fp32 activations: the weights are as if dequantised, the rest is rounding. */
  EXACT,
  /**
   * Activations rounded to int8, in blocks of 32 that share a scale of a 127th of the block's
   * largest magnitude. An error of up to half a 127th of that in each, as with {@code MatMulNBits}
   * at accuracy level 4.
   */
  FAST
}
