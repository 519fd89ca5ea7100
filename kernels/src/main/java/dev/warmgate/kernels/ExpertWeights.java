package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Where one expert's fp32 weights are, row by row, at any byte address. The memory belongs to the
 * caller, who keeps it in place while a batch refers to it.
 *
 * @param fc1 {@code [rows1, hidden]}
 * @param bias1 {@code [rows1]} or {@link MemorySegment#NULL}
 * @param fc2 {@code [hidden, inner]}
 * @param bias2 {@code [hidden]} or {@link MemorySegment#NULL}
 */
public record ExpertWeights(
    MemorySegment fc1, MemorySegment bias1, MemorySegment fc2, MemorySegment bias2) {

  /** Weights without biases. */
  public static ExpertWeights of(MemorySegment fc1, MemorySegment fc2) {
    return new ExpertWeights(fc1, MemorySegment.NULL, fc2, MemorySegment.NULL);
  }
}
