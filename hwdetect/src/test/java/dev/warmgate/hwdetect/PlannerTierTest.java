package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Availability;
import dev.warmgate.kernels.Tier;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlannerTierTest {

  private static Set<String> features(String level) {
    Set<String> features = new TreeSet<>();
    if (level.startsWith("avx")) {
      features.addAll(Machines.AVX2);
    }
    if (level.startsWith("avx512")) {
      features.addAll(Set.of("avx512f", "avx512bw", "avx512dq", "avx512vl"));
    }
    switch (level) {
      case "avx512-vnni" -> features.addAll(Set.of("avx512_vnni", "avx_vnni"));
      case "avx2-vnni" -> features.add("avx_vnni");
      case "dotprod" -> features.add("asimddp");
      default -> {}
    }
    return features;
  }

  /** A library that refuses some tiers. */
  private static Function<Tier, Availability> library(Set<Tier> refused) {
    return tier ->
        refused.contains(tier)
            ? new Availability.Unavailable("no " + tier.id() + " by the OS")
            : new Availability.Available();
  }

  private static Set<Tier> tiers(String names) {
    EnumSet<Tier> tiers = EnumSet.noneOf(Tier.class);
    for (String name : names.split(" ", -1)) {
      Tier.parse(name).ifPresent(tiers::add);
    }
    return tiers;
  }

  private static Plan plan(String arch, String level, String refused, String asked) {
    return Planner.plan(
        Machines.with(Machines.cpu(Arch.of(arch), features(level))),
        new PlanRequest(Tier.parse(asked), OptionalInt.empty(), OptionalInt.empty()),
        library(tiers(refused)));
  }

  @ParameterizedTest
  @CsvSource({
    // arch, features, refused by the library, option, tier
    "amd64,avx512,'','',avx512",
    "amd64,avx512,avx512,'',avx2",
    "amd64,avx512,avx512 avx2,'',scalar",
    "amd64,avx512,avx2,'',avx512",
    "amd64,avx2,'','',avx2",
    "amd64,avx2-vnni,'','',avx2-vnni",
    "amd64,avx2-vnni,avx2-vnni,'',avx2",
    "amd64,avx512-vnni,'','',avx512-vnni",
    "amd64,avx512-vnni,avx512-vnni,'',avx512",
    "amd64,avx512-vnni,avx512-vnni avx512,'',avx2-vnni",
    "amd64,avx512-vnni,'',avx512,avx512",
    "amd64,avx512-vnni,'',avx2-vnni,avx2-vnni",
    "aarch64,dotprod,'','',neon-dotprod",
    "aarch64,dotprod,neon-dotprod,'',neon",
    "aarch64,dotprod,'',neon,neon",
    "amd64,avx2,avx2,'',scalar",
    "amd64,none,'','',scalar",
    "aarch64,none,'','',neon",
    "aarch64,none,neon,'',scalar",
    "aarch64,avx512,'','',neon",
    "riscv64,avx512,'','',scalar",
    "'',none,'','',scalar",
    "amd64,avx512,'',avx512,avx512",
    "amd64,avx512,'',avx2,avx2",
    "amd64,avx512,'',scalar,scalar",
    "amd64,avx512,avx512,avx2,avx2",
    "amd64,none,avx512 avx2 neon scalar,scalar,scalar",
    "aarch64,none,'',scalar,scalar",
    "riscv64,none,'',scalar,scalar"
  })
  void table(String arch, String level, String refused, String asked, String expected) {
    Plan plan = plan(arch, level, refused, asked);
    assertEquals(expected, plan.tier().id());
    assertEquals(Optional.of(expected), plan.decision("tier").map(Decision::value));
    assertTrue(plan.decisions().stream().noneMatch(decision -> decision.reason().isBlank()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "amd64|avx2||avx512|the CPU has no avx512bw, avx512dq, avx512f, avx512vl",
        "amd64|none||avx2|the CPU has no avx2, bmi1, bmi2, f16c, fma",
        "amd64|avx512||avx512-vnni|the CPU has no avx512_vnni",
        "amd64|avx2||avx2-vnni|the CPU has no avx_vnni",
        "aarch64|none||neon-dotprod|the CPU has no asimddp",
        "aarch64|dotprod||avx2-vnni|this machine is aarch64",
        "amd64|avx512||neon|this machine is x86_64",
        "aarch64|none||avx2|this machine is aarch64",
        "riscv64|none||neon|this machine is other",
        "amd64|avx512|avx512|avx512|the native library refuses: no avx512 by the OS",
        "aarch64|none|neon|neon|the native library refuses: no neon by the OS"
      })
  void anOptionOnlyLowers(String arch, String level, String refused, String asked, String reason) {
    String refusedTiers = refused == null ? "" : refused;
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> plan(arch, level, refusedTiers, asked));
    assertEquals("option tier: " + asked + " can't run here: " + reason, e.getMessage());
  }

  @Test
  void everyStepDownSaysWhy() {
    List<Decision> decisions = plan("amd64", "avx2", "avx2", "").decisions();
    assertEquals(
        List.of(
            new Decision(
                "tier.avx512-vnni",
                "not used",
                "the CPU has no avx512_vnni, avx512bw, avx512dq, avx512f, avx512vl"),
            new Decision(
                "tier.avx512", "not used", "the CPU has no avx512bw, avx512dq, avx512f, avx512vl"),
            new Decision("tier.avx2-vnni", "not used", "the CPU has no avx_vnni"),
            new Decision("tier.avx2", "not used", "the native library refuses: no avx2 by the OS"),
            new Decision("tier", "scalar", "plain Java: no native tier runs here")),
        decisions.subList(0, 5));
  }

  @Test
  void theLibraryIsAskedOnlyWhereItMatters() {
    List<Tier> asked = new ArrayList<>();
    Planner.plan(
        Machines.with(Machines.cpu(Arch.X86_64, features("avx2"))),
        PlanRequest.none(),
        tier -> {
          asked.add(tier);
          return new Availability.Available();
        });
    assertEquals(List.of(Tier.AVX2), asked);
  }
}
