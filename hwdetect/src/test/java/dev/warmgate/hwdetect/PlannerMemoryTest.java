package dev.warmgate.hwdetect;

import static dev.warmgate.hwdetect.Machines.GIB;
import static dev.warmgate.hwdetect.Machines.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Availability;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlannerMemoryTest {

  /** Of the plain machine: eight reads of 1 MiB. */
  private static final long BUFFERS = 8 * MIB;

  private static final Jvm FULL_HEAP = new Jvm(8, GIB, GIB);

  private static Plan plan(Memory memory, Jvm jvm) {
    return Planner.plan(
        Machines.with(memory, jvm), PlanRequest.none(), tier -> new Availability.Available());
  }

  private static String reason(Plan plan) {
    return plan.decision("expert_memory_bytes").orElseThrow().reason();
  }

  private static MemoryLimit v1(long limit, long used, long reclaimable) {
    return new MemoryLimit(
        MemoryLimit.Kind.CGROUP_V1, "/job memory.limit_in_bytes", limit, used, reclaimable);
  }

  private static MemoryLimit v2(long limit, long used, long reclaimable) {
    return new MemoryLimit(MemoryLimit.Kind.CGROUP_V2, "/pod memory.max", limit, used, reclaimable);
  }

  @Test
  void withoutLimitsTheMachineBounds() {
    Plan plan = plan(Machines.memory(20 * GIB), FULL_HEAP);
    assertEquals(18 * GIB - BUFFERS, plan.expertMemoryBytes());
    assertEquals(
        "20 GiB left under the machine's available memory, the only bound;"
            + " kept back: 0 B for the Java heap, 2 GiB for ONNX Runtime and the JVM,"
            + " 8 MiB for read buffers",
        reason(plan));
  }

  @ParameterizedTest
  @CsvSource({
    // v1 limit and use, v2 limit and use, in GiB; what is left; who binds
    "8,1,100,0,7,/job",
    "100,0,8,1,7,/pod",
    "8,6,8,2,2,/job",
    "8,2,8,6,2,/pod",
    "100,10,100,20,20,the machine"
  })
  void theTightestBinds(
      long limit1, long used1, long limit2, long used2, long left, String binding) {
    Memory memory =
        Machines.memory(
            20 * GIB, v1(limit1 * GIB, used1 * GIB, 0), v2(limit2 * GIB, used2 * GIB, 0));
    Plan plan = plan(memory, FULL_HEAP);
    long kept = Math.max(256 * MIB, left * GIB / 10) + BUFFERS;
    long expected = left * GIB - kept;
    assertEquals(expected - expected % 4096, plan.expertMemoryBytes());
    assertTrue(reason(plan).contains("the tightest of 3 bounds"), reason(plan));
    assertTrue(reason(plan).contains(binding), reason(plan));
  }

  @Test
  void pageCacheThatTheKernelGivesBackIsNotUsed() {
    Plan plan = plan(Machines.memory(20 * GIB, v2(2 * GIB, 2 * GIB, GIB)), FULL_HEAP);
    assertEquals(GIB - 256 * MIB - BUFFERS, plan.expertMemoryBytes());
  }

  @ParameterizedTest
  @CsvSource({
    // heap max and in use in MiB; kept back for the heap, in words and MiB
    "1024,1024,0 B,0",
    "1024,24,1000 MiB,1000",
    "512,1024,0 B,0",
    "100000,0,2 GiB,2048",
    "-1,0,0 B,0"
  })
  void theHeapMayGrowByHalfAtMost(long maxMib, long usedMib, String kept, long mib) {
    Jvm jvm = new Jvm(8, maxMib * MIB, usedMib * MIB);
    Plan plan = plan(Machines.memory(4 * GIB), jvm);
    assertTrue(reason(plan).contains("kept back: " + kept + " for the Java heap"), reason(plan));
    long expected = 4 * GIB - 4 * GIB / 10 - mib * MIB - BUFFERS;
    assertEquals(expected - expected % 4096, plan.expertMemoryBytes());
  }

  @ParameterizedTest
  @CsvSource({"0,0", "268435456,0", "1,100", "-1,0", "0,9223372036854775807"})
  void nothingLeftIsZero(long limit, long used) {
    Plan plan = plan(Machines.memory(20 * GIB, v1(limit, used, 0)), FULL_HEAP);
    assertEquals(0, plan.expertMemoryBytes());
  }

  @Test
  void nothingKnownIsZero() {
    Memory unknown = new Memory(OptionalLong.empty(), OptionalLong.empty(), List.of());
    Plan plan = plan(unknown, FULL_HEAP);
    assertEquals(0, plan.expertMemoryBytes());
    assertEquals("neither memory nor a limit could be read", reason(plan));
  }

  @Test
  void anOldKernelSaysOnlyTheTotal() {
    Memory total = new Memory(OptionalLong.of(20 * GIB), OptionalLong.empty(), List.of());
    assertEquals(18 * GIB - BUFFERS, plan(total, FULL_HEAP).expertMemoryBytes());
  }

  /** Whatever the numbers: within every bound, not negative, aligned. */
  @Test
  void neverAboveAnyBound() {
    long seed = 20261121;
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 2000; i++) {
      MemoryLimit[] limits = {
        v1(odd(random), odd(random), odd(random)), v2(odd(random), odd(random), odd(random))
      };
      long available = odd(random);
      Memory memory = Machines.memory(available, limits);
      Plan plan = plan(memory, new Jvm(8, odd(random), odd(random)));
      long bytes = plan.expertMemoryBytes();
      String title = "seed " + seed + ", round " + i + ": " + memory;
      assertTrue(bytes >= 0, title);
      assertEquals(0, bytes % plan.slotAlignment(), title);
      assertTrue(bytes <= Math.max(0, available), title);
      for (MemoryLimit limit : limits) {
        assertTrue(bytes <= Math.max(0, limit.limitBytes()), title);
        assertTrue(bytes <= limit.availableBytes(), title);
      }
    }
  }

  private static long odd(SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0 -> 0;
      case 1 -> -1;
      case 2 -> Long.MAX_VALUE;
      case 3 -> Long.MIN_VALUE;
      case 4 -> random.nextLong(4096);
      default -> random.nextLong(64 * GIB);
    };
  }
}
