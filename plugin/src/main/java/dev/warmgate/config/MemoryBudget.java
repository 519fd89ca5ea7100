package dev.warmgate.config;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory the experts may take: what the user wrote, not yet bytes. */
public sealed interface MemoryBudget {

  /** What the plan finds free on this machine. */
  record Auto() implements MemoryBudget {}

  /**
   * A fixed number of bytes.
   *
   * @param bytes at least 1
   */
  record Bytes(long bytes) implements MemoryBudget {}

  /**
   * A share of the bytes of all the model's experts.
   *
   * @param percent above 0, at most 100
   */
  record Percent(double percent) implements MemoryBudget {}

  /** Digits, an optional decimal part, a unit. */
  Pattern SIZE = Pattern.compile("(\\d{1,18}(?:\\.\\d{1,9})?)(?:b|([kmgt])(?:i?b)?)?");

  /** No machine has so much. */
  BigDecimal TOO_LARGE = BigDecimal.valueOf(1L << 62);

  /** A percentage. */
  Pattern SHARE = Pattern.compile("(\\d{1,3}(?:\\.\\d{1,9})?)%");

  /**
   * Reads {@code auto}, {@code 512m}, {@code 8g}, {@code 1048576} or {@code 35%}; units are powers
   * of 1024.
   *
   * @throws IllegalArgumentException if {@code text} is none of these; the message says what is
   */
  static MemoryBudget parse(String text) {
    String value = text.strip().toLowerCase(Locale.ROOT);
    if (value.equals("auto")) {
      return new Auto();
    }
    Matcher share = SHARE.matcher(value);
    if (share.matches()) {
      double percent = Double.parseDouble(share.group(1));
      if (percent > 0 && percent <= 100) {
        return new Percent(percent);
      }
    }
    Matcher size = SIZE.matcher(value);
    if (size.matches()) {
      BigDecimal bytes = new BigDecimal(size.group(1)).multiply(unit(size.group(2)));
      if (bytes.compareTo(BigDecimal.ONE) >= 0 && bytes.compareTo(TOO_LARGE) < 0) {
        return new Bytes(bytes.longValue());
      }
    }
    throw new IllegalArgumentException(
        "'" + text + "' is not a memory size: use bytes, 512m, 8g, 35% or auto");
  }

  private static BigDecimal unit(String suffix) {
    return BigDecimal.valueOf(
        switch (suffix) {
          case "k" -> 1L << 10;
          case "m" -> 1L << 20;
          case "g" -> 1L << 30;
          case "t" -> 1L << 40;
          case null, default -> 1;
        });
  }

  /**
   * The budget in bytes.
   *
   * @param expertBytes what all experts of the model take together
   * @param automatic what {@code auto} means on this machine
   */
  default long bytes(long expertBytes, long automatic) {
    return switch (this) {
      case Auto() -> automatic;
      case Bytes(long bytes) -> bytes;
      // In decimal, since 29 % of 100 would be 28 in binary.
      case Percent(double percent) ->
          BigDecimal.valueOf(expertBytes)
              .multiply(BigDecimal.valueOf(percent))
              .movePointLeft(2)
              .longValue();
    };
  }
}
