package dev.warmgate.hwdetect.linux;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A disk as {@code /sys/block} describes it.
 *
 * @param name the kernel's name, for example {@code dm-0}
 * @param bases the disks it is built of, itself if it is not built of others
 * @param rotational what the kernel says
 * @param logicalBlockBytes the smallest unit that it reads
 * @param queueRequests how many requests the kernel queues for it
 */
public record Disk(
    String name,
    List<String> bases,
    Optional<Boolean> rotational,
    OptionalInt logicalBlockBytes,
    OptionalInt queueRequests) {

  /** Copies the list. */
  public Disk {
    bases = List.copyOf(bases);
  }
}
