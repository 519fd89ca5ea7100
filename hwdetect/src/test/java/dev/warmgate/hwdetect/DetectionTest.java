package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Availability;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole captured machines, up to the plan. */
class DetectionTest {

  @TempDir Path folder;

  private HardwareProfile profile(String machine) {
    String arch = machine.startsWith("aarch64") ? "aarch64" : "amd64";
    return CapturedMachine.unpack(machine, folder).profile(arch, folder);
  }

  @ParameterizedTest
  @CsvSource({
    // machine, model, tier, threads, storage, what binds the memory
    "x86-avx512-virtual,AMD EPYC,avx512-vnni,2,VIRTUAL,the machine's available memory",
    "x86-avx2-workstation,AMD Ryzen 5 3400G with Radeon Vega Graphics,avx2,3,NVME,the machine",
    "x86-no-avx2-server,Intel(R) Xeon(R) CPU E5-2630 v2 @ 2.60GHz,scalar,2,ROTATIONAL,/system.slice",
    "aarch64-neoverse-n1,Neoverse-N1,neon-dotprod,4,NVME,the machine",
    "aarch64-cortex-a72,Cortex-A72,neon,2,SSD,the machine",
    "container-v1,Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz,avx512-vnni,1,UNKNOWN,hierarchical",
    "container-v2-parent,AMD EPYC 7B13,avx2,1,UNKNOWN,kubepods-pod7.slice memory.max",
    "systemd-slice-v2,Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz,avx2,4,SSD,memory.high",
    "malformed,'',scalar,1,UNKNOWN,neither memory nor a limit"
  })
  void machines(
      String machine, String model, String tier, int threads, StorageKind kind, String binding) {
    HardwareProfile profile = profile(machine);
    Plan plan = Planner.plan(profile, PlanRequest.none(), asked -> new Availability.Available());
    assertEquals(model, profile.cpu().model());
    assertEquals(tier, plan.tier().id());
    assertEquals(threads, plan.threads());
    assertEquals(kind, profile.storage().kind());
    String reason = plan.decision("expert_memory_bytes").orElseThrow().reason();
    assertTrue(reason.contains(binding), reason);
  }

  @Test
  void coresUnderAnAffinityMask() {
    assertEquals(
        new Cores(4, 8, 3, 6, OptionalDouble.empty()),
        profile("x86-avx2-workstation").cpu().cores());
  }

  @Test
  void dotProductsShowInTheFeatures() {
    assertTrue(profile("aarch64-neoverse-n1").cpu().features().contains("asimddp"));
  }

  @Test
  void noDotProductsEither() {
    assertFalse(profile("aarch64-cortex-a72").cpu().features().contains("asimddp"));
  }

  @Test
  void theAddressSpaceIsALimitToo() {
    Memory memory = profile("systemd-slice-v2").memory();
    assertEquals(
        new MemoryLimit(MemoryLimit.Kind.PROCESS, "address space", 16L << 30, 3L << 30, 0),
        memory.limits().getLast());
    assertEquals(Optional.of(5L << 30), memory.cgroupLimit().map(MemoryLimit::limitBytes));
  }

  @Test
  void aMachineThatSaysNothing() {
    HardwareProfile profile = profile("malformed");
    assertEquals(
        new Memory(OptionalLong.empty(), OptionalLong.empty(), List.of()), profile.memory());
    assertEquals(new Cores(1, 1, 1, 1, OptionalDouble.empty()), profile.cpu().cores());
    assertEquals(List.of(), profile.numa().nodes());
    assertEquals(4, profile.warnings().size(), profile.warnings()::toString);
  }
}
