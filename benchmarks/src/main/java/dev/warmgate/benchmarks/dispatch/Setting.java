package dev.warmgate.benchmarks.dispatch;

import java.util.List;
import java.util.Locale;

/**
 * One setting of the published benchmark: N rows to N targets, a tenth of which takes eight times
 * as much as most, a fifth twice as much.
 *
 * @param size N
 * @param fanOut k, targets a row
 * @param headroom total capacity in parts of N·k, before each target's is rounded up
 */
record Setting(int size, int fanOut, double headroom) {
  /** Those with published figures. */
  static final List<Setting> PUBLISHED =
      List.of(
          new Setting(1024, 2, 1.0),
          new Setting(1024, 2, 1.2),
          new Setting(1024, 16, 1.2),
          new Setting(4096, 2, 1.2));

  int places() {
    return size * fanOut;
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "N=%d k=%d headroom=%.1f", size, fanOut, headroom);
  }
}
