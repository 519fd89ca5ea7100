package dev.warmgate.hwdetect;

import java.util.Locale;

/** Sizes as people read them. */
final class Bytes {

  static final long KIB = 1L << 10;
  static final long MIB = 1L << 20;
  static final long GIB = 1L << 30;

  private Bytes() {}

  /** For example {@code 512 MiB} or {@code 23.1 GiB}. */
  static String text(long bytes) {
    if (bytes < KIB) {
      return bytes + " B";
    }
    if (bytes < MIB) {
      return scaled(bytes, KIB) + " KiB";
    }
    if (bytes < GIB) {
      return scaled(bytes, MIB) + " MiB";
    }
    return scaled(bytes, GIB) + " GiB";
  }

  private static String scaled(long bytes, long unit) {
    return bytes % unit == 0
        ? Long.toString(bytes / unit)
        : String.format(Locale.ROOT, "%.1f", (double) bytes / unit);
  }
}
