package dev.warmgate.host.ffi;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Files whose content the host has mapped into memory. */
public final class MappedFile {
  private static final int FIELDS = 6;

  /** What names of files are in. */
  private static final Charset NAMES = Charset.forName(System.getProperty("sun.jnu.encoding"));

  private MappedFile() {}

  /**
   * The file whose bytes are at an address.
   *
   * @return empty if that memory is no file's
   * @throws IOException if the system doesn't tell
   */
  public static Optional<Path> at(long address) throws IOException {
    // Other files may have names that are no text; in Latin-1 everything is.
    try (Stream<String> lines =
        Files.lines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
      return lines
          .map(line -> line.split(" +", FIELDS))
          .filter(fields -> fields.length == FIELDS && contains(fields[0], address))
          .map(fields -> fields[FIELDS - 1])
          .filter(path -> path.startsWith("/"))
          .map(path -> new String(path.getBytes(StandardCharsets.ISO_8859_1), NAMES))
          .map(Path::of)
          .findFirst();
    }
  }

  private static boolean contains(String range, long address) {
    int dash = range.indexOf('-');
    return Long.compareUnsigned(Long.parseUnsignedLong(range, 0, dash, 16), address) <= 0
        && Long.compareUnsigned(
                address, Long.parseUnsignedLong(range, dash + 1, range.length(), 16))
            < 0;
  }
}
