package dev.warmgate.host.triton;

import dev.warmgate.onnx.ElementType;
import java.util.Map;
import java.util.Optional;

/** Element types by Triton's names and numbers. */
final class DataTypes {
  /** Triton's number for strings, each behind its length in four bytes. */
  static final int BYTES = 13;

  /** Triton's number for whole numbers of 32 bits. */
  static final int INT32 = 8;

  private static final String PREFIX = "TYPE_";

  /** In the order of Triton's numbers, from 1. */
  private static final ElementType[] BY_NUMBER = {
    ElementType.BOOL,
    ElementType.UINT8,
    ElementType.UINT16,
    ElementType.UINT32,
    ElementType.UINT64,
    ElementType.INT8,
    ElementType.INT16,
    ElementType.INT32,
    ElementType.INT64,
    ElementType.FLOAT16,
    ElementType.FLOAT,
    ElementType.DOUBLE,
    ElementType.STRING,
    ElementType.BFLOAT16
  };

  private static final Map<ElementType, String> OTHER_NAMES =
      Map.of(
          ElementType.FLOAT16, "FP16",
          ElementType.FLOAT, "FP32",
          ElementType.DOUBLE, "FP64",
          ElementType.BFLOAT16, "BF16");

  private DataTypes() {}

  /** Triton's number of a type; empty if it has none. */
  static Optional<Integer> number(ElementType type) {
    for (int i = 0; i < BY_NUMBER.length; i++) {
      if (BY_NUMBER[i] == type) {
        return Optional.of(i + 1);
      }
    }
    return Optional.empty();
  }

  /** The type with a number of Triton's; unknown if there is none. */
  static ElementType of(int number) {
    return number >= 1 && number <= BY_NUMBER.length ? BY_NUMBER[number - 1] : ElementType.UNKNOWN;
  }

  /** What {@code config.pbtxt} calls a type, which Triton must have. */
  static String configName(ElementType type) {
    return PREFIX + OTHER_NAMES.getOrDefault(type, type.name());
  }
}
