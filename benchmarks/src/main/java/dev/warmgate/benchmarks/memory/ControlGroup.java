package dev.warmgate.benchmarks.memory;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A control group of Linux that bounds the memory of the processes in it, pages of files included.
 * Made for one run, gone when closed.
 */
final class ControlGroup implements AutoCloseable {
  private static final int REMOVALS = 50;
  private static final int PAUSE_MILLIS = 20;

  /** The names of a hierarchy's files. */
  private enum Version {
    ONE("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max_usage_in_bytes"),
    TWO("memory.max", "memory.swap.max", "memory.peak");

    private final String limit;
    private final String swap;
    private final String peak;

    Version(String limit, String swap, String peak) {
      this.limit = limit;
      this.swap = swap;
      this.peak = peak;
    }
  }

  private final Version version;
  private final Path folder;

  private ControlGroup(Version version, Path folder) {
    this.version = version;
    this.folder = folder;
  }

  /**
   * Makes a group.
   *
   * @param mount where control groups are mounted: {@code /sys/fs/cgroup}
   * @param name of the group
   * @throws IOException in one line, if there is no hierarchy that bounds memory, or this process
   *     may not make groups
   */
  static ControlGroup create(Path mount, String name, long limitBytes) throws IOException {
    ControlGroup group =
        Files.isDirectory(mount.resolve("memory"))
            ? new ControlGroup(Version.ONE, mount.resolve("memory").resolve(name))
            : new ControlGroup(Version.TWO, unified(mount).resolve(name));
    try {
      Files.createDirectories(group.folder);
      group.limit(limitBytes);
    } catch (IOException e) {
      group.remove();
      throw new IOException(
          "can't bound memory by control group %s (root may): %s"
              .formatted(group.folder, e.getMessage()),
          e);
    }
    return group;
  }

  private static Path unified(Path mount) throws IOException {
    Path delegated = mount.resolve("cgroup.subtree_control");
    if (!Files.isReadable(delegated) || !Files.readString(delegated).contains("memory")) {
      throw new IOException(
          "can't bound memory: no control groups for memory are mounted at " + mount);
    }
    return mount;
  }

  private void limit(long bytes) throws IOException {
    write(version.limit, bytes);
    // Else what doesn't fit would go to swap; there is no such file where there is no swap.
    if (Files.exists(folder.resolve(version.swap))) {
      write(version.swap, version == Version.ONE ? bytes : 0);
    }
  }

  private void write(String file, long value) throws IOException {
    Files.writeString(folder.resolve(file), Long.toString(value));
  }

  /** The file that takes the ids of processes which join. */
  Path members() {
    return folder.resolve("cgroup.procs");
  }

  /** The most bytes that the group ever had. */
  long peakBytes() throws IOException {
    return Long.parseLong(Files.readString(folder.resolve(version.peak)).strip());
  }

  @Override
  public void close() throws IOException {
    if (!remove()) {
      throw new IOException("can't remove control group " + folder + ": it is in use");
    }
  }

  /** A process that has ended may count as a member for a moment longer. */
  private boolean remove() throws IOException {
    for (int i = 0; i < REMOVALS; i++) {
      try {
        Files.deleteIfExists(folder);
        return true;
      } catch (DirectoryNotEmptyException e) {
        return false;
      } catch (IOException e) {
        try {
          Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return false;
        }
      }
    }
    return false;
  }
}
