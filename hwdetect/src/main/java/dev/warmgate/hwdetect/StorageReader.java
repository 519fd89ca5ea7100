package dev.warmgate.hwdetect;

import dev.warmgate.hwdetect.linux.Disk;
import dev.warmgate.hwdetect.linux.DiskReader;
import dev.warmgate.hwdetect.linux.Mount;
import dev.warmgate.hwdetect.linux.SystemFiles;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Looks at the storage under a path.
 *
 * @param files the kernel's files
 */
record StorageReader(SystemFiles files) {

  Storage read(Path path, List<String> warnings) {
    Path real = nearest(path, warnings);
    Optional<Mount> mount =
        Mount.of(real.toString(), Mount.parse(files.lines("/proc/self/mountinfo")));
    if (mount.isEmpty()) {
      warnings.add("storage: no mount found for " + real);
    }
    Optional<Disk> disk = mount.flatMap(new DiskReader(files)::diskOf);
    String fileSystem = mount.map(Mount::type).orElse("");
    StorageKinds.Verdict verdict = StorageKinds.of(fileSystem, disk);
    OptionalLong total = OptionalLong.empty();
    OptionalLong free = OptionalLong.empty();
    try {
      FileStore store = Files.getFileStore(real);
      total = OptionalLong.of(store.getTotalSpace());
      free = OptionalLong.of(store.getUsableSpace());
    } catch (IOException e) {
      warnings.add("storage: the space at " + real + " is not known: " + e.getMessage());
    }
    return new Storage(
        real,
        fileSystem,
        verdict.kind(),
        verdict.reason(),
        disk.map(
            found ->
                new BlockDevice(
                    found.name(),
                    found.rotational(),
                    found.logicalBlockBytes(),
                    found.queueRequests())),
        total,
        free,
        DirectIoProbe.probe(real));
  }

  /** The path itself, or the nearest folder above it that exists; links followed. */
  private static Path nearest(Path path, List<String> warnings) {
    Path start = path.toAbsolutePath().normalize();
    for (Path candidate = start; candidate != null; candidate = candidate.getParent()) {
      try {
        Path real = candidate.toRealPath();
        if (!candidate.equals(start)) {
          warnings.add("storage: " + path + " does not exist, looked at " + real);
        }
        return real;
      } catch (IOException e) {
        // Not there or not ours to see: the folder above is the next best.
      }
    }
    return start;
  }
}
