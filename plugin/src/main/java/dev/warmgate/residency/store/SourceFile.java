package dev.warmgate.residency.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that a store was made from, as it was then.
 *
 * @param name without its folder, and without control characters
 * @param bytes its size
 * @param modifiedMillis when it was changed last
 */
public record SourceFile(String name, long bytes, long modifiedMillis) {

  public SourceFile {
    name = name.replaceAll("\\p{Cntrl}", "?");
  }

  /** The file as it is now. */
  public static SourceFile of(Path path) throws IOException {
    return new SourceFile(
        path.getFileName().toString(),
        Files.size(path),
        Files.getLastModifiedTime(path).toMillis());
  }
}
