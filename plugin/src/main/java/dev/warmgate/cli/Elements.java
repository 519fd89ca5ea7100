package dev.warmgate.cli;

import ai.onnxruntime.OnnxJavaType;
import java.nio.ByteBuffer;

/** Tensor elements of any fixed size as doubles, which hold all of them but the largest INT64. */
final class Elements {
  private Elements() {}

  /** Whether elements have a fixed size that is known here. */
  static boolean fixedSize(OnnxJavaType type) {
    return type != OnnxJavaType.STRING && type != OnnxJavaType.UNKNOWN;
  }

  static boolean floating(OnnxJavaType type) {
    return switch (type) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> true;
      default -> false;
    };
  }

  static double get(ByteBuffer buffer, OnnxJavaType type, int index) {
    int at = index * type.size;
    return switch (type) {
      case FLOAT -> buffer.getFloat(at);
      case DOUBLE -> buffer.getDouble(at);
      case FLOAT16 -> Float.float16ToFloat(buffer.getShort(at));
      case BFLOAT16 -> Float.intBitsToFloat(buffer.getShort(at) << 16);
      case INT8 -> buffer.get(at);
      case UINT8, BOOL -> Byte.toUnsignedInt(buffer.get(at));
      case INT16 -> buffer.getShort(at);
      case INT32 -> buffer.getInt(at);
      case INT64 -> buffer.getLong(at);
      case STRING, UNKNOWN -> throw new IllegalArgumentException("no numbers in " + type);
    };
  }

  static void put(ByteBuffer buffer, OnnxJavaType type, int index, double value) {
    int at = index * type.size;
    switch (type) {
      case FLOAT -> buffer.putFloat(at, (float) value);
      case DOUBLE -> buffer.putDouble(at, value);
      case FLOAT16 -> buffer.putShort(at, Float.floatToFloat16((float) value));
      case BFLOAT16 -> buffer.putShort(at, (short) (Float.floatToIntBits((float) value) >>> 16));
      case INT8, UINT8, BOOL -> buffer.put(at, (byte) value);
      case INT16 -> buffer.putShort(at, (short) value);
      case INT32 -> buffer.putInt(at, (int) value);
      case INT64 -> buffer.putLong(at, (long) value);
      case STRING, UNKNOWN -> throw new IllegalArgumentException("no numbers in " + type);
    }
  }
}
