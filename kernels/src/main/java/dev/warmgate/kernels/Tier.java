package dev.warmgate.kernels;

import java.util.Locale;
import java.util.Optional;

/** One implementation of all kernels. */
public enum Tier {
  /** Plain Java; runs everywhere, and is the oracle of the others. */
  SCALAR,
  /** 128-bit vectors of every aarch64 processor (ARMv8.0-A). */
  NEON,
  /** 256-bit vectors: AVX2, FMA, F16C, BMI. */
  AVX2,
  /** 512-bit vectors: AVX-512 F, BW, DQ, VL. */
  AVX512;

  private final String id = name().toLowerCase(Locale.ROOT);

  /**
   * The name that users see and type: {@code scalar}, {@code neon}, {@code avx2}, {@code avx512}.
   */
  public String id() {
    return id;
  }

  /** The tier of that id, in any case; empty if there is none. */
  public static Optional<Tier> parse(String id) {
    for (Tier tier : values()) {
      if (tier.id.equalsIgnoreCase(id)) {
        return Optional.of(tier);
      }
    }
    return Optional.empty();
  }
}
