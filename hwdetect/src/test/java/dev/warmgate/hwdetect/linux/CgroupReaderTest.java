package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.hwdetect.CapturedMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupReaderTest {

  private static final long MIB = 1 << 20;

  @TempDir Path folder;

  private CgroupReader reader(String machine) {
    return new CgroupReader(CapturedMachine.unpack(machine, folder).files());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x86-avx512-virtual",
        "x86-avx2-workstation",
        "aarch64-neoverse-n1",
        "aarch64-cortex-a72",
        "malformed"
      })
  void unlimitedMachines(String machine) {
    CgroupReader reader = reader(machine);
    assertEquals(List.of(), reader.memoryLimits());
    assertEquals(OptionalDouble.empty(), reader.cpuQuota());
  }

  @Test
  void aContainerUnderVersion1AndALimitAboveIt() {
    CgroupReader reader = reader("container-v1");
    long used = 200 * MIB;
    long reclaimable = 100 * MIB + 20 * MIB;
    assertEquals(
        List.of(
            new CgroupLimit(1, "/", "memory.limit_in_bytes", 512 * MIB, used, reclaimable),
            new CgroupLimit(
                1, "/", "memory.stat hierarchical_memory_limit", 384 * MIB, used, reclaimable)),
        reader.memoryLimits());
    assertEquals(OptionalDouble.of(1.5), reader.cpuQuota());
  }

  @Test
  void aSliceUnderVersion1() {
    CgroupReader reader = reader("x86-no-avx2-server");
    assertEquals(
        List.of(
            new CgroupLimit(
                1,
                "/system.slice",
                "memory.limit_in_bytes",
                8192 * MIB,
                3072 * MIB,
                1024 * MIB + 512 * MIB)),
        reader.memoryLimits());
    assertEquals(OptionalDouble.of(2.5), reader.cpuQuota());
  }

  @Test
  void aParentThatDoesNotCountItsChildren() throws IOException {
    SystemFiles files = CapturedMachine.unpack("x86-no-avx2-server", folder).files();
    Path slice = folder.resolve("sys/fs/cgroup/memory/system.slice");
    Files.writeString(slice.resolve("memory.use_hierarchy"), "0\n");
    Files.writeString(
        slice.resolve("model.service/memory.stat"),
        "hierarchical_memory_limit 9223372036854771712\n");
    assertEquals(List.of(), new CgroupReader(files).memoryLimits());
  }

  @Test
  void aParentUnderVersion2() {
    CgroupReader reader = reader("container-v2-parent");
    String pod = "/kubepods.slice/kubepods-pod7.slice";
    assertEquals(
        List.of(
            new CgroupLimit(
                2, pod + "/cri-containerd-9.scope", "memory.max", 4096 * MIB, 100 * MIB, 40 * MIB),
            new CgroupLimit(2, pod, "memory.max", 1024 * MIB, 300 * MIB, 100 * MIB)),
        reader.memoryLimits());
    assertEquals(OptionalDouble.of(0.5), reader.cpuQuota());
  }

  @Test
  void aThrottledSlice() {
    assertEquals(
        List.of(
            new CgroupLimit(2, "/models.slice", "memory.max", 6144 * MIB, 1024 * MIB, 0),
            new CgroupLimit(2, "/models.slice", "memory.high", 5120 * MIB, 1024 * MIB, 0)),
        reader("systemd-slice-v2").memoryLimits());
  }

  @Test
  void noFilesAtAll() {
    CgroupReader reader = new CgroupReader(new SystemFiles(folder));
    assertEquals(List.of(), reader.memoryLimits());
    assertEquals(OptionalDouble.empty(), reader.cpuQuota());
  }
}
