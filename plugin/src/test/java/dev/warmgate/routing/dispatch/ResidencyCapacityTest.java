package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResidencyCapacityTest {
  @Test
  void residentsTakeAnyRowAndAbsentOnesAShare() {
    int[] capacities = new int[8];
    ResidencyCapacity.fill(mask(0b1110_0000L), 100, 2, 0.5, capacities);
    // Evenly spread, an expert would get 100 * 2 / 8 = 25 rows.
    assertArrayEquals(new int[] {13, 13, 13, 13, 13, 100, 100, 100}, capacities);
    ResidencyCapacity.fill(mask(0b1110_0000L), 100, 2, 0, capacities);
    assertArrayEquals(new int[] {0, 0, 0, 0, 0, 100, 100, 100}, capacities);
    ResidencyCapacity.fill(mask(0b0000_0001L), 100, 2, 0, capacities);
    assertArrayEquals(new int[] {100, 15, 15, 15, 15, 15, 15, 15}, capacities);
    ResidencyCapacity.fill(mask(-1), 100, 2, 9, capacities);
    assertArrayEquals(new int[] {100, 100, 100, 100, 100, 100, 100, 100}, capacities);
    ResidencyCapacity.fill(mask(0), 100, 2, 1e9, capacities);
    assertArrayEquals(new int[] {100, 100, 100, 100, 100, 100, 100, 100}, capacities);
  }

  @Test
  void alwaysSuffices() {
    for (long seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(150);
      int fanOut = 1 + random.nextInt(experts);
      int rows = random.nextInt(50);
      long[] words = random.longs(3).toArray();
      for (int i = 0; i < words.length; i++) {
        words[i] &= random.nextInt(3) == 0 ? 0 : random.nextLong();
      }
      int[] capacities = new int[experts];
      double share = random.nextInt(3) * 0.4;
      ResidencyCapacity.fill(MemorySegment.ofArray(words), rows, fanOut, share, capacities);
      long sum = Arrays.stream(capacities).mapToLong(c -> Math.min(c, rows)).sum();
      assertTrue(sum >= (long) rows * fanOut, "seed " + seed);
      for (int e = 0; e < experts; e++) {
        boolean resident = (words[e / 64] >>> e & 1) != 0;
        assertTrue(capacities[e] <= rows && (!resident || capacities[e] == rows), "seed " + seed);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    refuses("share", () -> ResidencyCapacity.fill(mask(0), 1, 1, -1, new int[2]));
    refuses("share", () -> ResidencyCapacity.fill(mask(0), 1, 1, Double.NaN, new int[2]));
    refuses("experts", () -> ResidencyCapacity.fill(mask(0), 1, 3, 0, new int[2]));
    refuses("experts", () -> ResidencyCapacity.fill(mask(0), -1, 1, 0, new int[2]));
    refuses("bytes", () -> ResidencyCapacity.fill(mask(0), 1, 1, 0, new int[65]));
  }

  private static MemorySegment mask(long word) {
    return MemorySegment.ofArray(new long[] {word});
  }

  private static void refuses(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertEquals(true, message.contains(part), message);
  }
}
