package dev.warmgate.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ResidencyStatsTest {

  @Test
  void theHitRateIsTheShareOfWhatWasAskedFor() {
    assertEquals(1, ResidencyStats.NONE.hitRate());
    assertEquals(0.75, new ResidencyStats(3, 1, 9, 9, 0, 0, 0, 9, 9, 9, 9, 9).hitRate());
    assertEquals(0, new ResidencyStats(0, 5, 5, 5, 0, 0, 0, 5, 5, 5, 5, 5).hitRate());
    assertEquals(1, new ResidencyStats(1L << 62, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).hitRate());
  }

  @Test
  void aSumAddsEveryCount() {
    var a = new ResidencyStats(1, 2, 3, 4, 0, 0, 0, 5, 6, 7, 8, 9);
    var b = new ResidencyStats(10, 20, 30, 40, 0, 0, 0, 50, 60, 70, 80, 90);
    assertEquals(new ResidencyStats(11, 22, 33, 44, 0, 0, 0, 55, 66, 77, 88, 99), a.plus(b));
    assertEquals(a, a.plus(ResidencyStats.NONE));
  }
}
