package dev.warmgate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux says that this process has used. */
public final class ProcessUse {
  private ProcessUse() {}

  /** Bytes that were fetched from storage for this process, by page faults too. */
  public static long readBytes() throws IOException {
    return field("io", "read_bytes:");
  }

  /** The most memory that was resident at once, mapped files included. */
  public static long peakRssBytes() throws IOException {
    return field("status", "VmHWM:") * 1024;
  }

  private static long field(String file, String name) throws IOException {
    return Files.readAllLines(Path.of("/proc/self", file)).stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow(() -> new IOException("/proc/self/" + file + " has no " + name));
  }
}
