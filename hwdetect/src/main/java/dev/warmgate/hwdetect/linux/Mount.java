package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * One line of {@code /proc/self/mountinfo}.
 *
 * @param major major number of the device; 0 for one without a disk
 * @param minor minor number of the device
 * @param root the folder of the mounted file system that shows at the mount point
 * @param mountPoint where it is mounted
 * @param type type of the file system
 * @param source what is mounted, for example {@code /dev/sda1}
 * @param options options of the file system (not of the mount); for cgroup v1 the controllers
 */
public record Mount(
    int major,
    int minor,
    String root,
    String mountPoint,
    String type,
    String source,
    Set<String> options) {

  /** Reads the lines; those that are not understood are left out. */
  public static List<Mount> parse(List<String> lines) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : lines) {
      parse(line).ifPresent(mounts::add);
    }
    return List.copyOf(mounts);
  }

  /**
   * The mount that a path lies on: the longest mount point that contains it; of two at one point
   * the later, which hides the earlier.
   *
   * @param path absolute, without links
   */
  public static Optional<Mount> of(String path, List<Mount> mounts) {
    Mount best = null;
    for (Mount mount : mounts) {
      if (contains(mount.mountPoint, path)
          && (best == null || mount.mountPoint.length() >= best.mountPoint.length())) {
        best = mount;
      }
    }
    return Optional.ofNullable(best);
  }

  /** Whether a path is a folder or lies below it. */
  static boolean contains(String folder, String path) {
    return folder.equals("/") || path.equals(folder) || path.startsWith(folder + "/");
  }

  /** {@code id parent major:minor root point options [tags...] - type source super-options}. */
  private static Optional<Mount> parse(String line) {
    int separator = line.indexOf(" - ");
    if (separator < 0) {
      return Optional.empty();
    }
    String[] left = line.substring(0, separator).split(" ", -1);
    String[] right = line.substring(separator + 3).split(" ", -1);
    if (left.length < 5 || right.length < 2) {
      return Optional.empty();
    }
    int colon = left[2].indexOf(':');
    OptionalLong major =
        colon < 0 ? OptionalLong.empty() : Numbers.parse(left[2].substring(0, colon));
    OptionalLong minor = Numbers.parse(left[2].substring(colon + 1));
    if (major.isEmpty() || minor.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Mount(
            (int) major.getAsLong(),
            (int) minor.getAsLong(),
            unescape(left[3]),
            unescape(left[4]),
            right[0],
            unescape(right[1]),
            right.length < 3 ? Set.of() : Set.copyOf(List.of(right[2].split(",", -1)))));
  }

  /** Blanks and backslashes stand as three octal digits. */
  private static String unescape(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      String digits = i + 4 <= text.length() ? text.substring(i + 1, i + 4) : "";
      if (text.charAt(i) == '\\' && digits.matches("[0-3][0-7]{2}")) {
        plain.append((char) Integer.parseInt(digits, 8));
        i += 3;
      } else {
        plain.append(text.charAt(i));
      }
    }
    return plain.toString();
  }
}
