package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Tier.class)
class DecayTest {
  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void multipliesToTheBit() {
    Random random = new Random(7);
    for (int count = 0; count < 70; count++) {
      float[] values = new float[count];
      float[] expected = new float[count];
      float factor = random.nextFloat();
      for (int i = 0; i < count; i++) {
        values[i] = (float) random.nextGaussian();
        expected[i] = values[i] * factor;
      }
      try (GuardedMemory memory = new GuardedMemory(count % 4)) {
        MemorySegment segment = memory.floats(values);
        kernels.decay(segment, count, factor);
        assertArrayEquals(expected, segment.toArray(JAVA_FLOAT_UNALIGNED), "count " + count);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (GuardedMemory memory = new GuardedMemory(0)) {
      MemorySegment values = memory.allocate(12);
      assertThrows(IllegalArgumentException.class, () -> kernels.decay(values, 4, 1f));
      assertThrows(IllegalArgumentException.class, () -> kernels.decay(values, -1, 1f));
    }
  }
}
