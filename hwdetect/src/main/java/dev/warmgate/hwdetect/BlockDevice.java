package dev.warmgate.hwdetect;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * The whole disk (or the outermost mapped device) under a file system.
 *
 * @param name the kernel's name, for example {@code nvme0n1}
 * @param rotational what the kernel says; a hypervisor's disk says it without knowing
 * @param logicalBlockBytes the smallest unit that it reads
 * @param queueRequests how many requests the kernel queues for it
 */
public record BlockDevice(
    String name,
    Optional<Boolean> rotational,
    OptionalInt logicalBlockBytes,
    OptionalInt queueRequests) {}
