package dev.warmgate.kernels;

import java.util.Locale;
import java.util.Optional;

/**
 * One implementation of all kernels. A variant of a tier has instructions for sums of integer
 * products: with packed weights it is quicker and gives the same bits, and all the rest is the
 * tier's.
 */
public enum Tier {
  /** Plain Java; runs everywhere, and is the oracle of the others. */
  SCALAR,
  /** 128-bit vectors of every aarch64 processor (ARMv8.0-A). */
  NEON,
  /** 256-bit vectors: AVX2, FMA, F16C, BMI. */
  AVX2,
  /** 512-bit vectors: AVX-512 F, BW, DQ, VL. */
  AVX512,
  /** {@link #NEON} with the dot product instructions of ARMv8.2-A. */
  NEON_DOTPROD(NEON),
  /** {@link #AVX2} with AVX-VNNI. */
  AVX2_VNNI(AVX2),
  /** {@link #AVX512} with AVX-512 VNNI. */
  AVX512_VNNI(AVX512);

  private final String id = name().toLowerCase(Locale.ROOT).replace('_', '-');
  private final Optional<Tier> base;

  Tier() {
    base = Optional.empty();
  }

  Tier(Tier base) {
    this.base = Optional.of(base);
  }

  /** The name that users see and type: {@code scalar}, {@code avx2}, {@code avx512-vnni}. */
  public String id() {
    return id;
  }

  /** The tier that this is a variant of; itself if it is none. */
  public Tier base() {
    return base.orElse(this);
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
