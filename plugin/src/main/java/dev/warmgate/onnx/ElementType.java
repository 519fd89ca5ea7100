package dev.warmgate.onnx;

import java.math.BigInteger;

/** Element types of tensors, with the code that ONNX files use and the size of an element. */
public enum ElementType {
  /** A code that this version doesn't know; its size is unknown too. */
  UNKNOWN(0, 0, "unknown"),
  FLOAT(1, 32, "fp32"),
  UINT8(2, 8, "uint8"),
  INT8(3, 8, "int8"),
  UINT16(4, 16, "uint16"),
  INT16(5, 16, "int16"),
  INT32(6, 32, "int32"),
  INT64(7, 64, "int64"),
  /** Strings have no fixed size. */
  STRING(8, 0, "string"),
  BOOL(9, 8, "bool"),
  FLOAT16(10, 16, "fp16"),
  DOUBLE(11, 64, "fp64"),
  UINT32(12, 32, "uint32"),
  UINT64(13, 64, "uint64"),
  COMPLEX64(14, 64, "complex64"),
  COMPLEX128(15, 128, "complex128"),
  BFLOAT16(16, 16, "bf16"),
  FLOAT8E4M3FN(17, 8, "fp8e4m3fn"),
  FLOAT8E4M3FNUZ(18, 8, "fp8e4m3fnuz"),
  FLOAT8E5M2(19, 8, "fp8e5m2"),
  FLOAT8E5M2FNUZ(20, 8, "fp8e5m2fnuz"),
  UINT4(21, 4, "uint4"),
  INT4(22, 4, "int4"),
  FLOAT4E2M1(23, 4, "fp4e2m1"),
  FLOAT8E8M0(24, 8, "fp8e8m0"),
  UINT2(25, 2, "uint2"),
  INT2(26, 2, "int2");

  private final int code;
  private final int bits;
  private final String text;

  ElementType(int code, int bits, String text) {
    this.code = code;
    this.bits = bits;
    this.text = text;
  }

  /** The type of that code, which ONNX Runtime uses too; {@link #UNKNOWN} for any other. */
  public static ElementType of(int code) {
    for (ElementType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return UNKNOWN;
  }

  /** The number that stands for this type in ONNX files. */
  public int code() {
    return code;
  }

  /** Bits of one element; 0 where elements have no fixed size. */
  public int bits() {
    return bits;
  }

  /** A short name for people: {@code fp32}, {@code uint8}. */
  public String text() {
    return text;
  }

  /** Whether elements have a fixed size, so that a tensor's length follows from its dimensions. */
  public boolean sized() {
    return bits > 0;
  }

  /**
   * Bytes of {@code count} elements; those smaller than a byte are packed.
   *
   * @throws ArithmeticException if that is beyond 2^63
   */
  public long bytes(long count) {
    if (count <= Long.MAX_VALUE / 128) {
      return (count * bits + 7) / 8;
    }
    BigInteger total = BigInteger.valueOf(count).multiply(BigInteger.valueOf(bits));
    return total.add(BigInteger.valueOf(7)).shiftRight(3).longValueExact();
  }
}
