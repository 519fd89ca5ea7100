package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class TierTest {
  @Test
  void idsGoBothWays() {
    for (Tier tier : Tier.values()) {
      assertEquals(Optional.of(tier), Tier.parse(tier.id()));
    }
    assertEquals(Optional.of(Tier.AVX512), Tier.parse("AVX512"));
    assertEquals(Optional.of(Tier.AVX2_VNNI), Tier.parse("avx2-vnni"));
    assertEquals(Optional.empty(), Tier.parse("avx"));
  }

  @Test
  void scalarIsAlwaysThere() {
    assertTrue(Kernels.availability(Tier.SCALAR).isAvailable());
    assertSame(Tier.SCALAR, Kernels.of(Tier.SCALAR).tier());
  }

  @Test
  void aTierOfAnotherProcessorSaysWhy() {
    Tier foreign = System.getProperty("os.arch").equals("aarch64") ? Tier.AVX2 : Tier.NEON;
    Availability.Unavailable unavailable =
        assertInstanceOf(Availability.Unavailable.class, Kernels.availability(foreign));
    assertFalse(unavailable.reason().isBlank());
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> Kernels.of(foreign));
    assertTrue(e.getMessage().contains(foreign.id()), e.getMessage());
    assertTrue(e.getMessage().contains(unavailable.reason()), e.getMessage());
  }

  /** A variant calls its base, so it must not be there without it. */
  @Test
  void aVariantNeedsItsBase() {
    for (Tier tier : Tier.values()) {
      assertSame(tier.base(), tier.base().base());
      if (Kernels.availability(tier).isAvailable()) {
        assertTrue(Kernels.availability(tier.base()).isAvailable(), tier.id());
      } else {
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> Kernels.of(tier));
        assertTrue(e.getMessage().startsWith("tier " + tier.id() + " is not available: "));
      }
    }
  }

  /** The library is built by this module: on a platform that has kernels it must load. */
  @Test
  void theLibraryLoads() {
    Tier least = System.getProperty("os.arch").equals("aarch64") ? Tier.NEON : Tier.AVX2;
    if (Kernels.availability(least) instanceof Availability.Unavailable(String reason)) {
      assertTrue(reason.startsWith("the processor lacks"), reason);
    }
  }
}
