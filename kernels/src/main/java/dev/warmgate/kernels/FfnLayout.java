package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Byte offsets of the C structs {@code wg_ffn} and {@code wg_expert} in warmgate_kernels.h. The
 * header asserts the same numbers, and a test compares them with the table that the library
 * exports.
 */
final class FfnLayout {
  static final long HIDDEN = 0;
  static final long INNER = 4;
  static final long ACTIVATION = 8;
  static final long TOKENS = 12;
  static final long TOP_K = 16;
  static final long PARTS = 20;
  static final long EXPERT_COUNT = 24;
  static final long ALPHA = 28;
  static final long BETA = 32;
  static final long LIMIT = 36;
  static final long BITS = 40;
  static final long BLOCK = 44;
  static final long HALF_SCALES = 48;
  static final long HALF_BIASES = 52;
  static final long FAST = 56;
  static final long X = 64;
  static final long INNER_VALUES = 72;
  static final long PARTIAL = 80;
  static final long GATE_WEIGHTS = 88;
  static final long OUT = 96;
  static final long EXPERTS = 104;
  static final long BATCH_SIZE = 112;

  static final long FC1 = 0;
  static final long SCALES1 = 8;
  static final long ZEROS1 = 16;
  static final long BIAS1 = 24;
  static final long FC2 = 32;
  static final long SCALES2 = 40;
  static final long ZEROS2 = 48;
  static final long BIAS2 = 56;
  static final long ASSIGNMENTS = 64;
  static final long COUNT = 72;
  static final long EXPERT_SIZE = 80;

  private FfnLayout() {}

  /** The number of {@code WG_<activation>}. */
  static int code(Activation activation) {
    return switch (activation) {
      case RELU -> 0;
      case GELU -> 1;
      case SILU -> 2;
      case IDENTITY -> 3;
      case SWIGLU_INTERLEAVED -> 4;
      case SWIGLU_HALVES -> 5;
    };
  }

  /** Writes how weights are stored and multiplied. */
  static void setFormat(MemorySegment struct, FfnShape shape) {
    struct.set(JAVA_INT, HALF_BIASES, half(shape.format().biases()));
    switch (shape.format()) {
      case WeightFormat.Real(RealType type) -> struct.set(JAVA_INT, BITS, 8 * type.bytes());
      case WeightFormat.Quantised format -> {
        struct.set(JAVA_INT, BITS, format.bits());
        struct.set(JAVA_INT, BLOCK, format.blockSize());
        struct.set(JAVA_INT, HALF_SCALES, half(format.scales()));
        struct.set(JAVA_INT, FAST, shape.precision() == Precision.FAST ? 1 : 0);
      }
    }
  }

  private static int half(RealType type) {
    return type == RealType.FP16 ? 1 : 0;
  }
}
