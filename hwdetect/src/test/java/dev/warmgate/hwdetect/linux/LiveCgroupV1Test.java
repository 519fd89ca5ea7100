package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Real groups of this kernel, where version 1 is mounted and this user may make some. */
class LiveCgroupV1Test {

  private static final long LIMIT = 256L << 20;

  @Test
  void aLimitOnAParent() throws IOException {
    SystemFiles files = SystemFiles.ofThisMachine();
    List<CgroupEntry> entries = CgroupEntry.parse(files.lines("/proc/self/cgroup"));
    List<Mount> mounts = Mount.parse(files.lines("/proc/self/mountinfo"));
    Optional<CgroupFolders> own = CgroupFolders.v1("memory", entries, mounts);
    assumeTrue(own.isPresent(), "cgroup v1 has no memory controller here");
    Path folder = Path.of(own.get().file(own.get().path(), "."));
    assumeTrue(Files.isWritable(folder), "this user may not make groups");
    int before = new CgroupReader(files).memoryLimits().size();

    Path parent = Files.createTempDirectory(folder, "warmgate-test-").normalize();
    Path child = parent.resolve("child");
    try {
      Files.createDirectory(child);
      Files.writeString(parent.resolve("memory.limit_in_bytes"), Long.toString(LIMIT));
      String group = own.get().path().equals("/") ? "" : own.get().path();
      String path = group + "/" + parent.getFileName() + "/child";
      List<CgroupEntry> inChild = CgroupEntry.parse(List.of("4:memory:" + path));
      List<CgroupLimit> limits = new CgroupReader(files, inChild, mounts).memoryLimits();
      assertEquals(before + 1, limits.size(), limits::toString);
      assertEquals(LIMIT, limits.getFirst().limitBytes());
      assertEquals("memory.limit_in_bytes", limits.getFirst().file());
    } finally {
      Files.deleteIfExists(child);
      Files.deleteIfExists(parent);
    }
  }
}
