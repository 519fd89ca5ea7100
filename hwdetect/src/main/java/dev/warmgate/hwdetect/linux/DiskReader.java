package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Finds the disk under a mount.
 *
 * @param files where to read
 */
public record DiskReader(SystemFiles files) {

  /** Mapped devices on mapped devices: more levels than this are a loop. */
  private static final int MAX_LEVELS = 8;

  /** The whole disk that a mounted file system is on; empty if there is none or it is not shown. */
  public Optional<Disk> diskOf(Mount mount) {
    return folderOf(mount).map(this::read);
  }

  /**
   * By number; file systems of several devices (btrfs, zfs) have a number of their own, but a name.
   */
  private Optional<String> folderOf(Mount mount) {
    Optional<String> folder =
        files.realPath("/sys/dev/block/" + mount.major() + ":" + mount.minor());
    if (folder.isEmpty() && mount.source().startsWith("/dev/")) {
      String device = files.realPath(mount.source()).orElse(mount.source());
      folder = files.realPath("/sys/class/block/" + name(device));
    }
    return folder.map(
        found ->
            files.exists(found + "/partition")
                ? found.substring(0, found.lastIndexOf('/'))
                : found);
  }

  private Disk read(String folder) {
    List<String> bases = new ArrayList<>();
    collectBases(name(folder), folder, bases, 0);
    return new Disk(
        name(folder),
        bases,
        files.line(folder + "/queue/rotational").flatMap(DiskReader::flag),
        number(folder + "/queue/logical_block_size"),
        number(folder + "/queue/nr_requests"));
  }

  private void collectBases(String name, String folder, List<String> bases, int level) {
    List<String> slaves = level < MAX_LEVELS ? files.names(folder + "/slaves") : List.of();
    if (slaves.isEmpty()) {
      bases.add(name);
    }
    for (String slave : slaves) {
      collectBases(slave, folder + "/slaves/" + slave, bases, level + 1);
    }
  }

  private OptionalInt number(String path) {
    OptionalLong value = Numbers.parse(files.line(path).orElse(""));
    return value.isPresent() && value.getAsLong() <= Integer.MAX_VALUE
        ? OptionalInt.of((int) value.getAsLong())
        : OptionalInt.empty();
  }

  private static Optional<Boolean> flag(String text) {
    return switch (text) {
      case "0" -> Optional.of(false);
      case "1" -> Optional.of(true);
      default -> Optional.empty();
    };
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
