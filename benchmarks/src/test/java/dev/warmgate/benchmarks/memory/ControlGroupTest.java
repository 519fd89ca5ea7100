package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a folder that looks like a mount; such files stay, which those of a real one don't. */
class ControlGroupTest {
  @TempDir Path mount;

  @Test
  void versionOneBoundsMemoryAndPeaks() throws IOException {
    Path memory = Files.createDirectory(mount.resolve("memory"));
    Path folder = Files.createDirectory(memory.resolve("g"));
    Files.writeString(folder.resolve("memory.memsw.limit_in_bytes"), "0");
    ControlGroup group = ControlGroup.create(mount, "g", 1234);
    assertEquals("1234", Files.readString(folder.resolve("memory.limit_in_bytes")));
    assertEquals("1234", Files.readString(folder.resolve("memory.memsw.limit_in_bytes")));
    assertEquals(folder.resolve("cgroup.procs"), group.members());
    Files.writeString(folder.resolve("memory.max_usage_in_bytes"), "77\n");
    assertEquals(77, group.peakBytes());
    closeEmptied(group, folder);
  }

  @Test
  void versionTwoBoundsMemoryAndSwap() throws IOException {
    Files.writeString(mount.resolve("cgroup.subtree_control"), "cpu memory pids\n");
    Path folder = Files.createDirectory(mount.resolve("g"));
    Files.writeString(folder.resolve("memory.swap.max"), "max");
    ControlGroup group = ControlGroup.create(mount, "g", 1234);
    assertEquals("1234", Files.readString(folder.resolve("memory.max")));
    assertEquals("0", Files.readString(folder.resolve("memory.swap.max")));
    Files.writeString(folder.resolve("memory.peak"), "78\n");
    assertEquals(78, group.peakBytes());
    closeEmptied(group, folder);
  }

  private static void closeEmptied(ControlGroup group, Path folder) throws IOException {
    assertTrue(assertThrows(IOException.class, group::close).getMessage().contains("in use"));
    try (var files = Files.list(folder)) {
      List<Path> all = files.toList();
      for (Path file : all) {
        Files.delete(file);
      }
    }
    group.close();
    assertFalse(Files.exists(folder));
  }

  @Test
  void withoutAHierarchyForMemoryThereIsOneLine() throws IOException {
    String missing =
        assertThrows(IOException.class, () -> ControlGroup.create(mount, "g", 1)).getMessage();
    assertTrue(missing.contains("no control groups for memory"), missing);
    Files.writeString(mount.resolve("cgroup.subtree_control"), "cpu\n");
    assertThrows(IOException.class, () -> ControlGroup.create(mount, "g", 1));
    assertFalse(Files.exists(mount.resolve("g")));
  }
}
