package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Reads limits of control groups: of both versions (a machine may run both at once), of this
 * process's group and of every visible group above it, since the tightest one binds.
 */
public final class CgroupReader {

  private final SystemFiles files;
  private final List<CgroupEntry> entries;
  private final List<Mount> mounts;

  /** Reads which groups this process is in. */
  public CgroupReader(SystemFiles files) {
    this(
        files,
        CgroupEntry.parse(files.lines("/proc/self/cgroup")),
        Mount.parse(files.lines("/proc/self/mountinfo")));
  }

  /** Reads for a process of those groups. */
  CgroupReader(SystemFiles files, List<CgroupEntry> entries, List<Mount> mounts) {
    this.files = files;
    this.entries = entries;
    this.mounts = mounts;
  }

  /** The memory limits, from this process's group upwards; without those that limit nothing. */
  public List<CgroupLimit> memoryLimits() {
    List<CgroupLimit> limits = new ArrayList<>();
    CgroupFolders.v1("memory", entries, mounts).ifPresent(v1 -> readV1(v1, limits));
    CgroupFolders.v2(entries, mounts).ifPresent(v2 -> readV2(v2, limits));
    return List.copyOf(limits);
  }

  /** CPUs' worth of time that the tightest quota grants; empty without a quota. */
  public OptionalDouble cpuQuota() {
    List<Double> quotas = new ArrayList<>();
    CgroupFolders.v1("cpu", entries, mounts)
        .ifPresent(
            v1 -> {
              for (String group : v1.groups()) {
                String quota = files.line(v1.file(group, "cpu.cfs_quota_us")).orElse("");
                String period = files.line(v1.file(group, "cpu.cfs_period_us")).orElse("");
                CpuQuota.parse(quota + " " + period).ifPresent(quotas::add);
              }
            });
    CgroupFolders.v2(entries, mounts)
        .ifPresent(
            v2 -> {
              for (String group : v2.groups()) {
                String max = files.line(v2.file(group, "cpu.max")).orElse("");
                CpuQuota.parse(max).ifPresent(quotas::add);
              }
            });
    return quotas.stream().mapToDouble(Double::doubleValue).min();
  }

  private void readV1(CgroupFolders v1, List<CgroupLimit> limits) {
    String top = v1.path();
    for (String group : v1.groups()) {
      if (!group.equals(v1.path())
          && files.line(v1.file(group, "memory.use_hierarchy")).equals(Optional.of("0"))) {
        break; // what is above does not count the groups below it
      }
      top = group;
      limit(v1, group, "memory.limit_in_bytes")
          .ifPresent(limit -> limits.add(v1Limit(v1, group, "memory.limit_in_bytes", limit)));
    }
    // A container does not see the groups above its own; the kernel's sum of them tells.
    long hierarchical = stat(v1, v1.path()).get("hierarchical_memory_limit").orElse(Long.MAX_VALUE);
    long visible = limits.stream().mapToLong(CgroupLimit::limitBytes).min().orElse(Long.MAX_VALUE);
    if (hierarchical < Numbers.UNLIMITED && hierarchical < visible) {
      limits.add(v1Limit(v1, top, "memory.stat hierarchical_memory_limit", hierarchical));
    }
  }

  private CgroupLimit v1Limit(CgroupFolders v1, String group, String file, long limit) {
    KeyedSizes stat = stat(v1, group);
    return new CgroupLimit(
        1,
        group,
        file,
        limit,
        number(v1, group, "memory.usage_in_bytes"),
        reclaimable(stat.get("total_inactive_file"), stat.get("total_active_file")));
  }

  private void readV2(CgroupFolders v2, List<CgroupLimit> limits) {
    for (String group : v2.groups()) {
      for (String file : List.of("memory.max", "memory.high")) {
        limit(v2, group, file)
            .ifPresent(
                limit -> {
                  KeyedSizes stat = stat(v2, group);
                  limits.add(
                      new CgroupLimit(
                          2,
                          group,
                          file,
                          limit,
                          number(v2, group, "memory.current"),
                          reclaimable(stat.get("inactive_file"), stat.get("active_file"))));
                });
      }
    }
  }

  /** As the kernel estimates available memory: of the page cache in use, half may have to stay. */
  private static long reclaimable(OptionalLong inactive, OptionalLong active) {
    return inactive.orElse(0) + active.orElse(0) / 2;
  }

  private OptionalLong limit(CgroupFolders folders, String group, String file) {
    return Numbers.parseLimit(files.line(folders.file(group, file)).orElse(""));
  }

  private long number(CgroupFolders folders, String group, String file) {
    return Numbers.parse(files.line(folders.file(group, file)).orElse("")).orElse(0);
  }

  private KeyedSizes stat(CgroupFolders folders, String group) {
    return KeyedSizes.parse(files.lines(folders.file(group, "memory.stat")));
  }
}
