package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** fp16 to fp32 and back, against the JDK's conversions. */
@ParameterizedClass
@EnumSource(Tier.class)
class HalfTest {
  private static final int ALL = 1 << 16;
  private static final int BLOCK = 37; // some vectors and a tail

  @Parameter Tier tier;
  private Kernels kernels;

  @BeforeEach
  void tier() {
    kernels = TestedTier.require(tier);
  }

  @Test
  void everyHalfIsWidened() {
    for (int from = 0; from < ALL; from += BLOCK) {
      int count = Math.min(BLOCK, ALL - from);
      try (GuardedMemory memory = new GuardedMemory(from % 4)) {
        MemorySegment halves = memory.allocate(2L * count);
        MemorySegment floats = memory.allocate(4L * count);
        for (int i = 0; i < count; i++) {
          halves.set(JAVA_SHORT_UNALIGNED, 2L * i, (short) (from + i));
        }
        kernels.widen(halves, floats, count);
        for (int i = 0; i < count; i++) {
          float expected = Float.float16ToFloat((short) (from + i));
          float actual = floats.get(JAVA_FLOAT_UNALIGNED, 4L * i);
          // NaNs need not have the same bits.
          assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(actual));
        }
      }
    }
  }

  @Test
  void floatsAreRoundedToTheNearest() {
    Random random = new Random(1);
    for (int count = 0; count < 70; count++) {
      for (int round = 0; round < 20; round++) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = value(random);
        }
        check(values, count % 4);
      }
    }
  }

  /** Any bits; near a half and halfway between two, which go to the even one. */
  private static float value(Random random) {
    if (random.nextInt(4) == 0) {
      return Float.intBitsToFloat(random.nextInt());
    }
    float half = Float.float16ToFloat((short) random.nextInt());
    float next = Float.float16ToFloat((short) (Float.floatToFloat16(half) + 1));
    float middle = (half + next) / 2;
    return switch (random.nextInt(4)) {
      case 0 -> half;
      case 1 -> Math.nextUp(middle);
      case 2 -> Math.nextDown(middle);
      default -> middle;
    };
  }

  private void check(float[] values, int gap) {
    try (GuardedMemory memory = new GuardedMemory(gap)) {
      MemorySegment floats = memory.floats(values);
      MemorySegment halves = memory.allocate(2L * values.length);
      kernels.narrow(floats, halves, values.length);
      for (int i = 0; i < values.length; i++) {
        short actual = halves.get(JAVA_SHORT_UNALIGNED, 2L * i);
        if (Float.isNaN(values[i])) {
          assertTrue(Float.isNaN(Float.float16ToFloat(actual)));
        } else {
          assertEquals(Float.floatToFloat16(values[i]), actual, () -> "one of " + values.length);
        }
      }
    }
  }

  @Test
  void malformed() {
    try (GuardedMemory memory = new GuardedMemory(0)) {
      MemorySegment four = memory.allocate(4);
      assertThrows(IllegalArgumentException.class, () -> kernels.widen(four, four, -1));
      assertThrows(IllegalArgumentException.class, () -> kernels.widen(four, four, 2));
      assertThrows(IllegalArgumentException.class, () -> kernels.narrow(four, four, 2));
      kernels.widen(four, four, 0);
    }
  }
}
