package dev.warmgate.hwdetect.linux;

import java.util.List;
import java.util.OptionalLong;

/** {@code /proc/self/limits}. */
public final class ProcessLimits {

  private ProcessLimits() {}

  /**
   * The soft limit in a line like {@code Max address space 1073741824 unlimited bytes}.
   *
   * @param name for example {@code Max address space}
   * @return empty if there is no limit
   */
  public static OptionalLong soft(String name, List<String> lines) {
    for (String line : lines) {
      if (line.startsWith(name + " ")) {
        return Numbers.parseLimit(line.substring(name.length()).strip().split("\\s+", 2)[0]);
      }
    }
    return OptionalLong.empty();
  }
}
