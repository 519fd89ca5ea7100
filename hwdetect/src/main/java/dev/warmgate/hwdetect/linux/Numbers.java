package dev.warmgate.hwdetect.linux;

import java.util.OptionalLong;

/** Numbers as the kernel writes them. */
final class Numbers {

  /**
   * From here on a limit is none. Version 1 writes 2⁶³ rounded down to a page, and pages differ.
   */
  static final long UNLIMITED = 1L << 60;

  private Numbers() {}

  /**
   * A decimal number without sign. What is larger than a {@code long} reads as {@link
   * Long#MAX_VALUE}; the kernel writes 2⁶⁴−1 for "none" in places.
   */
  static OptionalLong parse(String text) {
    String digits = text.strip();
    if (digits.isEmpty() || digits.length() > 20 || !digits.chars().allMatch(Numbers::isDigit)) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Long.parseLong(digits));
    } catch (NumberFormatException e) {
      return OptionalLong.of(Long.MAX_VALUE);
    }
  }

  /** A limit in bytes; empty for {@code max}, for version 1's "unlimited" and for bad text. */
  static OptionalLong parseLimit(String text) {
    OptionalLong value = parse(text);
    return value.isPresent() && value.getAsLong() < UNLIMITED ? value : OptionalLong.empty();
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
