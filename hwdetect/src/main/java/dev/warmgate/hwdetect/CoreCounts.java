package dev.warmgate.hwdetect;

import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/** Counts cores. */
final class CoreCounts {

  private CoreCounts() {}

  /** A core of a package. */
  private record Core(int socket, int number) {}

  /**
   * Counts.
   *
   * @param threads hardware threads of the machine; if empty, one a core of {@code processors}
   * @param allowed numbers of those in the affinity mask; empty if unknown, which allows all
   * @param processors what the JVM offers, for want of better
   * @param quota CPUs' worth of time by cgroup quota
   */
  static Cores count(
      List<Processor.HardwareThread> threads,
      List<Integer> allowed,
      int processors,
      OptionalDouble quota) {
    if (threads.isEmpty()) {
      int count = Math.max(1, processors);
      return new Cores(count, count, count, count, quota);
    }
    Set<Integer> mask = new HashSet<>(allowed);
    List<Processor.HardwareThread> usable =
        threads.stream().filter(thread -> mask.contains(thread.number())).toList();
    if (usable.isEmpty()) {
      usable = threads;
    }
    return new Cores(cores(threads), threads.size(), cores(usable), usable.size(), quota);
  }

  private static int cores(List<Processor.HardwareThread> threads) {
    return (int)
        threads.stream().map(thread -> new Core(thread.socket(), thread.core())).distinct().count();
  }
}
