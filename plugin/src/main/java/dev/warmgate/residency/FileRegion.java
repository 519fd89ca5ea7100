package dev.warmgate.residency;

import java.nio.file.Path;

/**
 * A run of bytes in a file.
 *
 * @param file the file
 * @param offset of the first byte
 * @param length in bytes
 */
public record FileRegion(Path file, long offset, long length) {

  /**
   * @throws IllegalArgumentException if an offset or a length is negative or their sum overflows
   */
  public FileRegion {
    if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
      throw new IllegalArgumentException(
          "%s: no region at offset %d of %d bytes".formatted(file, offset, length));
    }
  }

  /** The {@code index}-th of {@code count} equal parts. */
  FileRegion part(int index, int count) {
    long size = length / count;
    return new FileRegion(file, offset + index * size, size);
  }
}
