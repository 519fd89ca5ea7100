package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RankPrecisionTest {

  @Test
  void isARunningAverageOfEachRank() {
    int ranks = 5;
    var precision = new RankPrecision(ranks);
    double[] expected = {0.6, 0.6, 0.6, 0.6, 0.6};
    Random random = new Random(3);
    for (int turn = 0; turn < 5_000; turn++) {
      int rank = random.nextInt(ranks);
      boolean right = random.nextInt(ranks) < rank;
      precision.observe(rank, right);
      expected[rank] = expected[rank] * 63 / 64 + (right ? 1.0 / 64 : 0);
      assertEquals(expected[rank], precision.of(rank), 1e-5, "rank " + rank);
    }
    assertEquals(0, precision.of(0), 1e-5);
    assertTrue(precision.of(4) > 0.6 && precision.of(1) < 0.4);
  }

  @Test
  void staysBetweenNeverAndAlways() {
    var precision = new RankPrecision(1);
    for (int turn = 0; turn < 10_000; turn++) {
      precision.observe(0, true);
      assertTrue(precision.of(0) <= 1);
    }
    assertTrue(precision.of(0) > 0.99f);
    for (int turn = 0; turn < 10_000; turn++) {
      precision.observe(0, false);
      assertTrue(precision.of(0) >= 0);
    }
    assertTrue(precision.of(0) < 0.01f);
  }
}
