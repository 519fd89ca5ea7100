package dev.warmgate.hwdetect.linux;

/**
 * A memory limit of a group.
 *
 * @param version 1 or 2
 * @param group the group, from the mount point
 * @param file the file that sets it
 * @param limitBytes the limit
 * @param usedBytes memory of the group and of those below it, page cache included
 * @param reclaimableBytes the part of it that the kernel gives back under pressure
 */
public record CgroupLimit(
    int version,
    String group,
    String file,
    long limitBytes,
    long usedBytes,
    long reclaimableBytes) {}
