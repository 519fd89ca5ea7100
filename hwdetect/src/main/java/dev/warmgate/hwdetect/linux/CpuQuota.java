package dev.warmgate.hwdetect.linux;

import java.util.Optional;
import java.util.OptionalLong;

/** CPU time that a group may use. */
public final class CpuQuota {

  private CpuQuota() {}

  /**
   * Reads {@code quota period}, both in microseconds, as {@code cpu.max} has it.
   *
   * @return how many CPUs' worth; empty for {@code max}, for version 1's −1 and for bad text
   */
  public static Optional<Double> parse(String text) {
    String[] words = text.strip().split("\\s+", -1);
    if (words.length != 2) {
      return Optional.empty();
    }
    OptionalLong quota = Numbers.parse(words[0]);
    OptionalLong period = Numbers.parse(words[1]);
    if (quota.orElse(0) <= 0 || period.orElse(0) <= 0) {
      return Optional.empty();
    }
    return Optional.of((double) quota.getAsLong() / period.getAsLong());
  }
}
