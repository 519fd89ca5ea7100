package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * Which tiers a run tests. By default those that the machine has; the others are skipped with their
 * reason. With {@code -Dwarmgate.test.tiers=avx2,scalar} exactly those, and one that is missing
 * fails.
 */
final class TestedTier {
  private static final String FORCED = System.getProperty("warmgate.test.tiers", "");

  private TestedTier() {}

  /** The tier's kernels, or an aborted (skipped) test. */
  static Kernels require(Tier tier) {
    List<String> forced =
        FORCED.isBlank() ? List.of() : Arrays.stream(FORCED.split(",")).map(String::strip).toList();
    for (String id : forced) {
      if (Tier.parse(id).isEmpty()) {
        fail("warmgate.test.tiers names the unknown tier " + id);
      }
    }
    if (!forced.isEmpty() && forced.stream().noneMatch(id -> Tier.parse(id).get() == tier)) {
      Assumptions.abort("tier " + tier.id() + " skipped: not in warmgate.test.tiers");
    }
    if (Kernels.availability(tier) instanceof Availability.Unavailable(String reason)) {
      if (!forced.isEmpty()) {
        fail("tier " + tier.id() + " is forced and missing: " + reason);
      }
      Assumptions.abort("tier " + tier.id() + " skipped: " + reason);
    }
    Kernels kernels = Kernels.of(tier);
    assertEquals(tier, kernels.tier());
    return kernels;
  }
}
