package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.hwdetect.CapturedMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskReaderTest {

  @TempDir Path folder;

  private Optional<Disk> disk(String machine, String path) {
    SystemFiles files = CapturedMachine.unpack(machine, folder).files();
    List<Mount> mounts = Mount.parse(files.lines("/proc/self/mountinfo"));
    return Mount.of(path, mounts).flatMap(new DiskReader(files)::diskOf);
  }

  private static Disk disk(String name, String base, boolean turns, int block, int requests) {
    return new Disk(
        name,
        List.of(base),
        Optional.of(turns),
        block == 0 ? OptionalInt.empty() : OptionalInt.of(block),
        requests == 0 ? OptionalInt.empty() : OptionalInt.of(requests));
  }

  @Test
  void aWholeDisk() {
    assertEquals(
        Optional.of(disk("vda", "vda", true, 512, 256)), disk("x86-avx512-virtual", "/models"));
  }

  @Test
  void aPartition() {
    assertEquals(
        Optional.of(disk("nvme0n1", "nvme0n1", false, 512, 1023)),
        disk("x86-avx2-workstation", "/home/me"));
  }

  @Test
  void aMappedDeviceAndWhatItStandsOn() {
    assertEquals(
        Optional.of(disk("dm-0", "sda2", true, 4096, 128)), disk("x86-no-avx2-server", "/srv"));
  }

  @Test
  void aVolumeInAContainerButNotItsOverlay() {
    assertEquals(
        Optional.of(disk("nvme0n1", "nvme0n1", false, 0, 0)), disk("container-v1", "/models/a"));
    assertEquals(Optional.empty(), disk("container-v2-parent", "/models"));
  }

  @Test
  void aFileSystemOfSeveralDevicesIsFoundByName() throws IOException {
    Files.createDirectories(folder.resolve("sys/class/block/sdb/queue"));
    Files.writeString(folder.resolve("sys/class/block/sdb/queue/rotational"), "odd\n");
    Files.writeString(folder.resolve("sys/class/block/sdb/queue/nr_requests"), "99999999999\n");
    Mount mount = new Mount(0, 44, "/", "/", "btrfs", "/dev/sdb", Set.of());
    assertEquals(
        Optional.of(
            new Disk(
                "sdb", List.of("sdb"), Optional.empty(), OptionalInt.empty(), OptionalInt.empty())),
        new DiskReader(new SystemFiles(folder)).diskOf(mount));
  }

  @Test
  void disksThatStandOnEachOtherEnd() throws IOException {
    Path slaves = folder.resolve("sys/class/block/dm-0/slaves");
    Files.createDirectories(slaves);
    Files.createSymbolicLink(slaves.resolve("dm-0"), Path.of("../../dm-0"));
    Mount mount = new Mount(0, 44, "/", "/", "btrfs", "/dev/dm-0", Set.of());
    assertEquals(
        Optional.of(List.of("dm-0")),
        new DiskReader(new SystemFiles(folder)).diskOf(mount).map(Disk::bases));
  }
}
