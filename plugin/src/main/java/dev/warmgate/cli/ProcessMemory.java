package dev.warmgate.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the operating system says of this process's memory. */
final class ProcessMemory {
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s*(\\d+) kB");

  private ProcessMemory() {}

  /** The most bytes that were resident at once; empty where the system doesn't tell. */
  static OptionalLong peakBytes() {
    try {
      return peakBytes(Files.readAllLines(Path.of("/proc/self/status")));
    } catch (IOException e) {
      return OptionalLong.empty(); // not Linux
    }
  }

  static OptionalLong peakBytes(List<String> status) {
    return status.stream()
        .map(PEAK::matcher)
        .filter(Matcher::matches)
        .mapToLong(line -> Long.parseLong(line.group(1)) * 1024)
        .findFirst();
  }
}
