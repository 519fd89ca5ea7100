package dev.warmgate.benchmarks.quantised;

import java.util.Arrays;
import java.util.stream.Collectors;

/** How a layer's weights are stored. */
enum Weights {
  /** Four bits in blocks of {@link #BLOCK} that share an fp32 scale: a {@code QMoE} node. */
  INT4("int4", "int4 in blocks of 32"),

  /** As they are: a {@code MoE} node. */
  FP32("fp32", "fp32");

  static final int BITS = 4;

  /** Weights that share a scale. */
  static final int BLOCK = 32;

  private final String option;
  private final String description;

  Weights(String option, String description) {
    this.option = option;
    this.description = description;
  }

  /**
   * Reads {@code int4} or {@code fp32}.
   *
   * @throws IllegalArgumentException in one line, if it is neither
   */
  static Weights parse(String text) {
    return Arrays.stream(values())
        .filter(weights -> weights.option.equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--weights %s: say %s"
                        .formatted(
                            text,
                            Arrays.stream(values())
                                .map(Weights::option)
                                .collect(Collectors.joining(" or ")))));
  }

  /** As {@link #parse} reads it. */
  String option() {
    return option;
  }

  /** For people. */
  String description() {
    return description;
  }

  /** A matrix's columns are a multiple of it. */
  int columnStep() {
    return this == INT4 ? BLOCK : 1;
  }

  /** Bytes of so many weights, scales included. */
  long bytes(long weights) {
    return switch (this) {
      case INT4 -> weights * BITS / Byte.SIZE + weights / BLOCK * Float.BYTES;
      case FP32 -> weights * Float.BYTES;
    };
  }
}
