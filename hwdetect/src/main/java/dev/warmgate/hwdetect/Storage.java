package dev.warmgate.hwdetect;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The storage under a path.
 *
 * @param path the existing file or directory that was looked at
 * @param fileSystem type, for example {@code ext4}; empty if unknown
 * @param kind what it stands on
 * @param kindReason how that was found out
 * @param device the disk; empty where there is none or it cannot be seen
 * @param totalBytes size of the file system; empty if unknown
 * @param freeBytes what this user may still write; empty if unknown
 * @param directIo whether direct reads work
 */
public record Storage(
    Path path,
    String fileSystem,
    StorageKind kind,
    String kindReason,
    Optional<BlockDevice> device,
    OptionalLong totalBytes,
    OptionalLong freeBytes,
    DirectIo directIo) {}
