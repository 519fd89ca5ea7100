package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The folders of this process's group and of the groups above it, as far as they are visible.
 *
 * @param version 1 or 2
 * @param mountPoint where the hierarchy is mounted
 * @param path this process's group, from the mount point: {@code /} or {@code /a/b}
 */
public record CgroupFolders(int version, String mountPoint, String path) {

  /** Finds the hierarchy of version 1 that has a controller. */
  public static Optional<CgroupFolders> v1(
      String controller, List<CgroupEntry> entries, List<Mount> mounts) {
    return find(
        1,
        entries.stream().filter(entry -> entry.controllers().contains(controller)).findFirst(),
        mounts.stream()
            .filter(mount -> mount.type().equals("cgroup") && mount.options().contains(controller))
            .toList());
  }

  /** Finds the hierarchy of version 2. */
  public static Optional<CgroupFolders> v2(List<CgroupEntry> entries, List<Mount> mounts) {
    return find(
        2,
        entries.stream().filter(CgroupEntry::unified).findFirst(),
        mounts.stream().filter(mount -> mount.type().equals("cgroup2")).toList());
  }

  /** The groups from this process's own up to the topmost visible one. */
  public List<String> groups() {
    List<String> groups = new ArrayList<>();
    String group = path;
    while (group.length() > 1) {
      groups.add(group);
      group = group.substring(0, Math.max(1, group.lastIndexOf('/')));
    }
    groups.add("/");
    return groups;
  }

  /** The file of a group. */
  public String file(String group, String name) {
    return mountPoint + (group.equals("/") ? "" : group) + "/" + name;
  }

  /** The mount that shows this process's group; failing that any, whose top is then looked at. */
  private static Optional<CgroupFolders> find(
      int version, Optional<CgroupEntry> entry, List<Mount> mounts) {
    if (entry.isEmpty() || mounts.isEmpty()) {
      return Optional.empty();
    }
    String path = entry.get().path();
    for (Mount mount : mounts) {
      if (Mount.contains(mount.root(), path)) {
        String below = mount.root().equals("/") ? path : path.substring(mount.root().length());
        return Optional.of(new CgroupFolders(version, mount.mountPoint(), normal(below)));
      }
    }
    return Optional.of(new CgroupFolders(version, mounts.getFirst().mountPoint(), "/"));
  }

  /**
   * A path with {@code ..} leads out of what is visible: the top is the nearest that can be seen.
   */
  private static String normal(String path) {
    boolean leadsOut = path.contains("/../") || path.endsWith("/..");
    String trimmed = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    return leadsOut || trimmed.isEmpty() ? "/" : trimmed;
  }
}
