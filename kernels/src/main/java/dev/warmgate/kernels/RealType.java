package dev.warmgate.kernels;

/** How a floating-point number is stored. */
public enum RealType {
  /** IEEE 754 binary32. */
  FP32(4),
  /** IEEE 754 binary16. */
  FP16(2);

  private final int bytes;

  RealType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a number. */
  public int bytes() {
    return bytes;
  }
}
