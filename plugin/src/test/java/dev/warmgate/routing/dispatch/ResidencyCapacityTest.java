package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResidencyCapacityTest {

  @Test
  void theMostWantedAbsentExpertsAreLetIn() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(150);
      int fanOut = 1 + random.nextInt(experts);
      int rows = random.nextInt(50);
      double share = random.nextInt(5) / 4.0;
      long[] words = random.longs((experts + 63) / 64).toArray();
      if (random.nextInt(4) == 0) {
        words = new long[words.length];
      }
      int[] wanted = random.ints(experts, 0, 4).toArray();
      int[] capacities = new int[experts];
      ResidencyCapacity.fill(MemorySegment.ofArray(words), rows, fanOut, wanted, share, capacities);
      String what = "seed " + seed;
      long[] mask = words;
      List<Integer> absent =
          IntStream.range(0, experts)
              .filter(e -> (mask[e / 64] >>> e & 1) == 0)
              .boxed()
              .sorted(Comparator.comparingInt(e -> -wanted[e]))
              .toList();
      int resident = experts - absent.size();
      long asked = absent.stream().filter(e -> wanted[e] > 0).count();
      int letIn = Math.max((int) Math.ceil(share * asked), fanOut - resident);
      for (int i = 0; i < absent.size(); i++) {
        assertEquals(i < letIn ? rows : 0, capacities[absent.get(i)], what);
      }
      int open = (int) IntStream.of(capacities).filter(c -> c == rows).count();
      assertTrue(rows == 0 || open == resident + letIn, what);
      assertTrue((long) open * rows >= (long) rows * fanOut, what + ": not all can be placed");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void aShareIsAShare(double share) {
    var mask = MemorySegment.ofArray(new long[1]);
    assertThrows(
        IllegalArgumentException.class,
        () -> ResidencyCapacity.fill(mask, 2, 1, new int[4], share, new int[4]));
  }

  @Test
  void lengthsMustFit() {
    var mask = MemorySegment.ofArray(new long[1]);
    assertThrows(
        IllegalArgumentException.class,
        () -> ResidencyCapacity.fill(mask, 2, 5, new int[4], 1, new int[4]));
    assertThrows(
        IllegalArgumentException.class,
        () -> ResidencyCapacity.fill(mask, 2, 1, new int[3], 1, new int[4]));
    assertThrows(
        IllegalArgumentException.class,
        () -> ResidencyCapacity.fill(mask, 2, 1, new int[65], 1, new int[65]));
  }
}
