package dev.warmgate.kernels;

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
  static final long X = 40;
  static final long INNER_VALUES = 48;
  static final long PARTIAL = 56;
  static final long GATE_WEIGHTS = 64;
  static final long OUT = 72;
  static final long EXPERTS = 80;
  static final long BATCH_SIZE = 88;

  static final long FC1 = 0;
  static final long BIAS1 = 8;
  static final long FC2 = 16;
  static final long BIAS2 = 24;
  static final long ASSIGNMENTS = 32;
  static final long COUNT = 40;
  static final long EXPERT_SIZE = 48;

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
}
