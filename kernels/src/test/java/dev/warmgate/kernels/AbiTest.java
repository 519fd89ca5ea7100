package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The offsets that Java writes to are those that the C compiler reads from. */
class AbiTest {
  @Test
  void offsetsAreThoseOfTheLibrary() {
    boolean loaded =
        Arrays.stream(Tier.values())
            .anyMatch(t -> t != Tier.SCALAR && Kernels.availability(t).isAvailable());
    Assumptions.assumeTrue(loaded, "no native tier on this machine");
    long[] java = {
      FfnLayout.HIDDEN,
      FfnLayout.INNER,
      FfnLayout.ACTIVATION,
      FfnLayout.TOKENS,
      FfnLayout.TOP_K,
      FfnLayout.PARTS,
      FfnLayout.EXPERT_COUNT,
      FfnLayout.ALPHA,
      FfnLayout.BETA,
      FfnLayout.LIMIT,
      FfnLayout.BITS,
      FfnLayout.BLOCK,
      FfnLayout.HALF_SCALES,
      FfnLayout.HALF_BIASES,
      FfnLayout.FAST,
      FfnLayout.X,
      FfnLayout.INNER_VALUES,
      FfnLayout.PARTIAL,
      FfnLayout.GATE_WEIGHTS,
      FfnLayout.OUT,
      FfnLayout.EXPERTS,
      FfnLayout.BATCH_SIZE,
      FfnLayout.FC1,
      FfnLayout.SCALES1,
      FfnLayout.ZEROS1,
      FfnLayout.BIAS1,
      FfnLayout.FC2,
      FfnLayout.SCALES2,
      FfnLayout.ZEROS2,
      FfnLayout.BIAS2,
      FfnLayout.ASSIGNMENTS,
      FfnLayout.COUNT,
      FfnLayout.EXPERT_SIZE,
      RouteLayout.EXPERTS,
      RouteLayout.TOP_K,
      RouteLayout.ALL,
      RouteLayout.HIGHER_ID,
      RouteLayout.POLICY,
      RouteLayout.KEEP_TOP,
      RouteLayout.MAX_RANK,
      RouteLayout.RANGE_RATE,
      RouteLayout.HELD,
      RouteLayout.PUBLISHED,
      RouteLayout.SIZE
    };
    // Safe: the header declares int32_t wg_abi[44], and the library stays loaded.
    int[] c =
        NativeLibrary.get()
            .symbol("wg_abi")
            .reinterpret((long) java.length * Integer.BYTES)
            .toArray(ValueLayout.JAVA_INT);
    assertArrayEquals(LongStream.of(java).mapToInt(Math::toIntExact).toArray(), c);
  }
}
