package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RealType;
import dev.warmgate.kernels.Team;
import dev.warmgate.kernels.Tier;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A call on resident experts allocates nothing on the Java heap. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExecuteAllocationTest {
  private static final int CALLS = 500;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "AVX2, 1, FP32",
    "AVX2, 16, FP32",
    "AVX2, 3, FP16",
    "AVX512, 1, FP32",
    "AVX512, 16, FP16",
    "NEON, 1, FP32",
    "NEON, 16, FP16"
  })
  void allocatesNothing(Tier tier, int tokens, RealType type) throws IOException {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Random random = new Random(1);
    var fixture =
        new LayerFixture(
            folder.resolve("weights"),
            random,
            FfnShape.of(16, 8, Activation.SILU),
            GateRule.moe(16, 4, true),
            true,
            true);
    try (MoeModel model = fixture.open(tier, 16, type);
        Arena arena = Arena.ofConfined()) {
      // As fp16 these are other numbers, some of them not finite.
      var f32 = ValueLayout.JAVA_FLOAT;
      MemorySegment x = arena.allocateFrom(f32, LayerFixture.values(random, tokens * 16, 1));
      MemorySegment z = arena.allocateFrom(f32, LayerFixture.values(random, tokens * 16, 1));
      MemorySegment out = arena.allocate(4L * tokens * 16, 64);
      MoeLayer layer = model.layer(0);
      long least = Long.MAX_VALUE;
      // Until the compiler has got to it: interpreted code allocates to call native code.
      for (int round = 0; round < 200 && least > 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int call = 0; call < CALLS; call++) {
          layer.execute(x, z, MemorySegment.NULL, out, tokens, Team.caller());
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, "bytes in " + CALLS + " calls");
    }
  }

  /** As long as nothing has to be read, foreseeing it allocates nothing either. */
  @ParameterizedTest
  @CsvSource({"AVX2, 1, 24", "AVX2, 5, 24", "AVX512, 1, 23", "AVX512, 1, 24", "NEON, 1, 23"})
  void foreseeingAllocatesNothing(Tier tier, int tokens, int slots) throws IOException {
    assumeTrue(Kernels.availability(tier).isAvailable(), tier + " can't run here");
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    var stack = new GatedStack(folder, "layer", 2);
    Random random = new Random(1);
    try (MoeModel model = stack.open(tier, slots * stack.expertBytes(), "prefetch", "gate");
        Arena arena = Arena.ofConfined()) {
      var f32 = ValueLayout.JAVA_FLOAT;
      MemorySegment x = arena.allocateFrom(f32, LayerFixture.values(random, tokens * 24, 1));
      MemorySegment z = arena.allocateFrom(f32, LayerFixture.values(random, tokens * 12, 1));
      MemorySegment out = arena.allocate(4L * tokens * 24, 64);
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 200 && least > 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int call = 0; call < CALLS; call++) {
          model.layer(0).execute(x, z, MemorySegment.NULL, out, tokens, Team.caller());
          model.layer(1).execute(x, z, MemorySegment.NULL, out, tokens, Team.caller());
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, "bytes in " + CALLS + " calls");
    }
  }
}
