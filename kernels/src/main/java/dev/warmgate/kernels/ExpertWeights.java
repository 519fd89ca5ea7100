package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Where one expert's weights are.
 *
 * @param fc1 {@code [rows1, hidden]}
 * @param fc2 {@code [hidden, inner]}
 */
public record ExpertWeights(Matrix fc1, Matrix fc2) {

  /** Weights in fp32 or fp16; a bias may be {@link MemorySegment#NULL}. */
  public ExpertWeights(
      MemorySegment fc1, MemorySegment bias1, MemorySegment fc2, MemorySegment bias2) {
    this(Matrix.real(fc1, bias1), Matrix.real(fc2, bias2));
  }

  /** The same without biases. */
  public static ExpertWeights of(MemorySegment fc1, MemorySegment fc2) {
    return new ExpertWeights(fc1, MemorySegment.NULL, fc2, MemorySegment.NULL);
  }

  boolean isNative() {
    return fc1.isNative() && fc2.isNative();
  }
}
