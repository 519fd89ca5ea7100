package dev.warmgate.cli;

import java.util.Locale;

/** Numbers and messages for people. */
final class Texts {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  private Texts() {}

  /** {@code 512 B}, {@code 1.5 MiB}. */
  static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " B" : number(value, 1) + " " + UNITS[unit];
  }

  /** A number with so many decimals, a point before them wherever the user lives. */
  static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** {@code 87.5 %}. */
  static String percent(double share) {
    return number(100 * share, 1) + " %";
  }

  /** {@code 1 layer}, {@code 2 layers}. */
  static String count(long number, String noun) {
    return number + " " + noun + (number == 1 ? "" : "s");
  }

  /** A message as one line, without what ONNX Runtime puts before its own. */
  static String oneLine(String message) {
    return message
        .strip()
        .replaceFirst("^Error code - \\w+ - message: ", "")
        .replaceAll("\\s*\\R\\s*", " ");
  }
}
