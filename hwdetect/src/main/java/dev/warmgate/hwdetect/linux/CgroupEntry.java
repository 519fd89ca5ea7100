package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * One line of {@code /proc/self/cgroup}: a hierarchy and this process's group in it.
 *
 * @param controllers controllers of a hierarchy of version 1; empty for version 2
 * @param path the group, from the hierarchy's root as this process sees it
 */
public record CgroupEntry(Set<String> controllers, String path) {

  /** Reads the lines; those that are not understood are left out. */
  public static List<CgroupEntry> parse(List<String> lines) {
    List<CgroupEntry> entries = new ArrayList<>();
    for (String line : lines) {
      String[] fields = line.split(":", 3);
      if (fields.length < 3 || !fields[2].startsWith("/")) {
        continue;
      }
      OptionalLong hierarchy = Numbers.parse(fields[0]);
      boolean unified = fields[1].isEmpty();
      if (hierarchy.isPresent() && (hierarchy.getAsLong() == 0) == unified) {
        Set<String> controllers =
            unified ? Set.of() : Set.copyOf(List.of(fields[1].split(",", -1)));
        entries.add(new CgroupEntry(controllers, fields[2]));
      }
    }
    return List.copyOf(entries);
  }

  /** Whether it is the one hierarchy of version 2. */
  public boolean unified() {
    return controllers.isEmpty();
  }
}
