package dev.warmgate.hwdetect;

import dev.warmgate.kernels.Availability;
import dev.warmgate.kernels.Tier;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Chooses the tier: the features propose, the native library confirms, from the best tier
 * downwards. The features here are those that the tiers are named for; the library checks every
 * feature that its compile flags imply.
 */
final class TierChoice {

  private static final Set<String> AVX2 = Set.of("avx2", "fma", "f16c", "bmi1", "bmi2");
  private static final Set<String> AVX512 =
      Set.of("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma", "f16c", "bmi1", "bmi2");

  private TierChoice() {}

  static Tier choose(
      Cpu cpu,
      Optional<Tier> requested,
      Function<Tier, Availability> confirm,
      List<Decision> decisions) {
    if (requested.isPresent()) {
      Tier tier = requested.get();
      Optional<String> obstacle = obstacle(tier, cpu, confirm);
      if (obstacle.isPresent()) {
        throw new IllegalArgumentException(
            "option tier: " + tier.id() + " can't run here: " + obstacle.get());
      }
      decisions.add(new Decision("tier", tier.id(), "option tier"));
      return tier;
    }
    for (Tier tier : ladder(cpu.arch())) {
      Optional<String> obstacle = obstacle(tier, cpu, confirm);
      if (obstacle.isEmpty()) {
        decisions.add(new Decision("tier", tier.id(), reason(tier, cpu)));
        return tier;
      }
      decisions.add(new Decision("tier." + tier.id(), "not used", obstacle.get()));
    }
    throw new AssertionError("the scalar tier has no obstacle");
  }

  /** The tiers of a family of processors, best first. */
  private static List<Tier> ladder(Arch arch) {
    return switch (arch) {
      case X86_64 -> List.of(Tier.AVX512_VNNI, Tier.AVX512, Tier.AVX2_VNNI, Tier.AVX2, Tier.SCALAR);
      case AARCH64 -> List.of(Tier.NEON_DOTPROD, Tier.NEON, Tier.SCALAR);
      case OTHER -> List.of(Tier.SCALAR);
    };
  }

  /** Why a tier can't run; empty if it can. */
  private static Optional<String> obstacle(
      Tier tier, Cpu cpu, Function<Tier, Availability> confirm) {
    if (tier == Tier.SCALAR) {
      return Optional.empty();
    }
    if (!ladder(cpu.arch()).contains(tier)) {
      return Optional.of("this machine is " + cpu.arch().id());
    }
    Set<String> missing = new TreeSet<>(needs(tier));
    missing.removeAll(cpu.features());
    if (!missing.isEmpty()) {
      return Optional.of("the CPU has no " + String.join(", ", missing));
    }
    return switch (confirm.apply(tier)) {
      case Availability.Available() -> Optional.empty();
      case Availability.Unavailable(String reason) ->
          Optional.of("the native library refuses: " + reason);
    };
  }

  /** NEON needs no flag: every aarch64 processor has it, and some kernels don't list it. */
  private static Set<String> needs(Tier tier) {
    return switch (tier) {
      case SCALAR, NEON -> Set.of();
      case AVX2 -> AVX2;
      case AVX512 -> AVX512;
      case NEON_DOTPROD -> Set.of("asimddp");
      case AVX2_VNNI -> and(AVX2, "avx_vnni");
      case AVX512_VNNI -> and(AVX512, "avx512_vnni");
    };
  }

  private static Set<String> and(Set<String> features, String more) {
    Set<String> all = new TreeSet<>(features);
    all.add(more);
    return all;
  }

  private static String reason(Tier tier, Cpu cpu) {
    return switch (tier) {
      case SCALAR ->
          cpu.arch() == Arch.OTHER
              ? "plain Java: there are no native kernels for this processor"
              : "plain Java: no native tier runs here";
      case NEON -> "every aarch64 processor has NEON, and the native library confirms it";
      case AVX2, AVX512, NEON_DOTPROD, AVX2_VNNI, AVX512_VNNI ->
          "the CPU has "
              + String.join(", ", new TreeSet<>(needs(tier)))
              + ", and the native library confirms it";
    };
  }
}
