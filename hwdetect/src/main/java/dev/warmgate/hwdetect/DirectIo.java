package dev.warmgate.hwdetect;

import java.nio.file.OpenOption;
import java.util.Optional;

/**
 * Whether reads around the page cache work for a path: tried, not guessed.
 *
 * @param works whether a file there was opened for direct I/O and read
 * @param alignmentBytes what offset, length and address of a direct read must be multiples of; 0 if
 *     unknown
 * @param reason what was tried and seen
 */
public record DirectIo(boolean works, int alignmentBytes, String reason) {

  private static final Optional<OpenOption> OPTION = findOption();

  /**
   * The option that makes {@link java.nio.channels.FileChannel#open} bypass the page cache; empty
   * on a JDK without it.
   */
  public static Optional<OpenOption> openOption() {
    return OPTION;
  }

  /** By name, since the compiler refuses to build on a JDK-internal name without a warning. */
  private static Optional<OpenOption> findOption() {
    try {
      for (Object constant :
          Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
        if (constant instanceof OpenOption option && constant.toString().equals("DIRECT")) {
          return Optional.of(option);
        }
      }
      return Optional.empty();
    } catch (ClassNotFoundException e) {
      return Optional.empty();
    }
  }
}
