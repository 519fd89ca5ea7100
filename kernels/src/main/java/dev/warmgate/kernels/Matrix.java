package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Where one matrix of an expert is, at any byte address; {@link WeightFormat} says what its parts
 * hold. The memory belongs to the caller, who keeps it in place while a batch refers to it.
 *
 * @param weights {@code [rows, columns]}
 * @param scales of quantised weights, else {@link MemorySegment#NULL}
 * @param zeroPoints of quantised weights, or {@link MemorySegment#NULL} if they are in the middle
 * @param bias {@code [rows]} or {@link MemorySegment#NULL}
 */
public record Matrix(
    MemorySegment weights, MemorySegment scales, MemorySegment zeroPoints, MemorySegment bias) {

  /** A matrix of fp32 or fp16. */
  public static Matrix real(MemorySegment weights, MemorySegment bias) {
    return new Matrix(weights, MemorySegment.NULL, MemorySegment.NULL, bias);
  }

  boolean isNative() {
    return weights.isNative() && scales.isNative() && zeroPoints.isNative() && bias.isNative();
  }

  /** What messages call the parts. Made once, as checks don't allocate. */
  record Names(String weights, String scales, String zeroPoints, String bias) {
    static final Names FC1 = of("fc1");
    static final Names FC2 = of("fc2");

    private static Names of(String name) {
      return new Names(name, name + " scales", name + " zero points", name + " bias");
    }
  }

  /** That every part is there and large enough. */
  void check(WeightFormat format, Names names, long rows, long columns) {
    Checks.holds(weights, format.weightBytes(rows, columns), 1, names.weights());
    long scaleBytes = format.scaleBytes(rows, columns);
    if (scaleBytes > 0) {
      if (Checks.isNull(scales)) {
        throw new IllegalArgumentException(names.weights() + " is quantised and has no scales");
      }
      Checks.holds(scales, scaleBytes, 1, names.scales());
    }
    if (!Checks.isNull(zeroPoints)) {
      long bytes = format.zeroPointBytes(rows, columns);
      Checks.holds(zeroPoints, bytes, 1, names.zeroPoints());
    }
    if (!Checks.isNull(bias)) {
      Checks.holds(bias, format.biasBytes(rows), 1, names.bias());
    }
  }
}
