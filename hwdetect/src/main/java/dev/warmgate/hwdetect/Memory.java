package dev.warmgate.hwdetect;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Main memory and its limits at the moment of detection.
 *
 * @param totalBytes memory of the machine; empty if unknown
 * @param availableBytes memory that can be allocated without swapping; empty if unknown
 * @param limits every limit found, from the process's own group up to the root
 */
public record Memory(
    OptionalLong totalBytes, OptionalLong availableBytes, List<MemoryLimit> limits) {

  /** Copies the list. */
  public Memory {
    limits = List.copyOf(limits);
  }

  /** The smallest limit that a control group sets. */
  public Optional<MemoryLimit> cgroupLimit() {
    return limits.stream()
        .filter(limit -> limit.kind().cgroup())
        .min(Comparator.comparingLong(MemoryLimit::limitBytes));
  }
}
