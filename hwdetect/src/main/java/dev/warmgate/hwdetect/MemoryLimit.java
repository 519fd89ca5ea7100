package dev.warmgate.hwdetect;

/**
 * A limit on the memory of this process or of a group it belongs to. What is unlimited is not
 * listed.
 *
 * @param kind who sets it
 * @param name for people: where it stands, for example {@code /system.slice memory.max}
 * @param limitBytes the limit, not negative
 * @param usedBytes what counts against it now, not negative
 * @param reclaimableBytes the part of {@code usedBytes} that the kernel gives back under pressure
 *     (inactive page cache)
 */
public record MemoryLimit(
    Kind kind, String name, long limitBytes, long usedBytes, long reclaimableBytes) {

  /** Who sets a limit. */
  public enum Kind {
    /** A control group of version 1, this process's or one above it. */
    CGROUP_V1("cgroup v1"),
    /** A control group of version 2, this process's or one above it. */
    CGROUP_V2("cgroup v2"),
    /** A resource limit of the process, as {@code ulimit} sets. */
    PROCESS("process limit");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    /** The name in texts. */
    public String title() {
      return title;
    }

    /** Whether a control group sets it. */
    public boolean cgroup() {
      return this != PROCESS;
    }
  }

  /** Bytes that can still be allocated under this limit, never negative. */
  public long availableBytes() {
    long held = Math.max(0, usedBytes - Math.max(0, reclaimableBytes));
    return Math.max(0, Math.max(0, limitBytes) - held);
  }

  /** Kind and name. */
  public String title() {
    return kind.title() + " " + name;
  }
}
