package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class GivenWeightsTest {
  private static final GateRule AS_GIVEN = GateRule.qmoe(4, 2).withGivenWeights(false);
  private static final GateRule NORMALIZED = GateRule.qmoe(4, 2).withGivenWeights(true);

  /** The weights of a token whose experts are 3 and 1. */
  private static float[] weights(GateRule rule, int second, float... given) {
    try (Arena arena = Arena.ofConfined();
        Selection selection = new Selection(2)) {
      selection.begin(2);
      for (int token = 0; token < 2; token++) {
        selection.ids().setAtIndex(ValueLayout.JAVA_INT, 2L * token, 3);
        selection.ids().setAtIndex(ValueLayout.JAVA_INT, 2L * token + 1, second);
      }
      MemorySegment both = arena.allocate(ValueLayout.JAVA_FLOAT, 8);
      MemorySegment.copy(given, 0, both, ValueLayout.JAVA_FLOAT, 16, 4);
      GivenWeights.apply(rule, both, selection);
      return new float[] {selection.weight(2), selection.weight(3)};
    }
  }

  @Test
  void weightsAreThoseOfTheSelected() {
    assertArrayEquals(new float[] {0.5f, 0.25f}, weights(AS_GIVEN, 1, 9, 0.25f, 9, 0.5f));
    assertArrayEquals(new float[] {0.75f, 0.25f}, weights(NORMALIZED, 1, 9, 0.5f, 9, 1.5f));
  }

  @Test
  void whatIsNotAboveTheLeastCountsAsNone() {
    float nan = Float.NaN;
    assertArrayEquals(new float[] {0, 0}, weights(AS_GIVEN, 1, 9, -0.25f, 9, 1e-8f));
    assertArrayEquals(new float[] {2e-8f, 0}, weights(AS_GIVEN, 1, 9, nan, 9, 2e-8f));
    // Both are negative; their quotients with the sum are not.
    assertArrayEquals(new float[] {0.5f, 0.5f}, weights(NORMALIZED, 1, 9, -1, 9, -1));
    assertArrayEquals(new float[] {0, 0}, weights(NORMALIZED, 1, 9, -1, 9, 1));
    assertArrayEquals(new float[] {0, 0}, weights(NORMALIZED, 1, 9, nan, 9, 1));
  }

  @Test
  void aTokenWithFewerExpertsGivesTheRestNothing() {
    assertArrayEquals(new float[] {0.5f, 0}, weights(AS_GIVEN, -1, 9, 9, 9, 0.5f));
    assertArrayEquals(new float[] {1, 0}, weights(NORMALIZED, -1, 9, 9, 9, 0.5f));
  }
}
