package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountTest {

  private static final List<Mount> MOUNTS =
      Mount.parse(
          List.of(
              "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
              "40 27 8:1 / /data rw shared:1 master:2 - xfs /dev/sda1 rw",
              "41 40 8:2 /sub /data/models rw - ext4 /dev/sda2 rw",
              "42 40 0:51 / /data/models ro - overlay overlay ro,lowerdir=/a,upperdir=/b",
              "43 27 0:58 / /mnt/with\\040blank\\134 rw - nfs4 server:/models rw"));

  @ParameterizedTest
  @CsvSource({
    "/,ext4",
    "/dat,ext4",
    "/database/x,ext4",
    "/data,xfs",
    "/data/other,xfs",
    "/data/models,overlay",
    "/data/models/a.onnx,overlay",
    "/data/models2,xfs",
    "'/mnt/with blank\\/x',nfs4",
    "/mnt,ext4"
  })
  void thePathsMountIsTheLongestAndLatest(String path, String type) {
    assertEquals(Optional.of(type), Mount.of(path, MOUNTS).map(Mount::type));
  }

  /** The kernel escapes blanks, but no letters. */
  @Test
  void mountPointsInAnyLanguage(@TempDir Path root) throws IOException {
    Files.createDirectories(root.resolve("proc/self"));
    Files.writeString(
        root.resolve("proc/self/mountinfo"),
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 8:1 / /mnt/b\u00fccher rw - xfs /dev/sda1 rw\n");
    List<Mount> mounts = Mount.parse(new SystemFiles(root).lines("/proc/self/mountinfo"));
    assertEquals(
        Optional.of("xfs"), Mount.of("/mnt/b\u00fccher/model.onnx", mounts).map(Mount::type));
  }

  @Test
  void badBytesAreNoFailure(@TempDir Path root) throws IOException {
    Files.write(root.resolve("file"), new byte[] {'a', (byte) 0xE4, '\n', 'b'});
    assertEquals(List.of("a\ufffd", "b"), new SystemFiles(root).lines("/file"));
  }

  @Test
  void fields() {
    assertEquals(
        new Mount(8, 2, "/sub", "/data/models", "ext4", "/dev/sda2", Set.of("rw")), MOUNTS.get(2));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''",
        "1 2 3",
        "27 1 254:0 / / rw,relatime ext4 /dev/vda rw",
        "27 1 x:0 / / rw - ext4 /dev/vda rw",
        "27 1 254 / / rw - ext4 /dev/vda rw",
        "27 1 254:0 / / rw - ext4"
      })
  void badLinesAreLeftOut(String line) {
    assertEquals(List.of(), Mount.parse(List.of(line)));
  }

  @Test
  void noMountsNoAnswer() {
    assertEquals(Optional.empty(), Mount.of("/a", List.of()));
  }
}
