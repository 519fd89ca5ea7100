package dev.warmgate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Where a benchmark keeps its files: the user's folder, which stays, or a temporary one.
 *
 * @param path of the folder
 * @param temporary whether it goes when closed
 */
public record WorkFolder(Path path, boolean temporary) implements AutoCloseable {

  /**
   * Opens it.
   *
   * @param path made if it isn't there; null for a temporary one
   */
  public static WorkFolder open(Path path) throws IOException {
    return path == null
        ? new WorkFolder(Files.createTempDirectory("warmgate-bench-"), true)
        : new WorkFolder(Files.createDirectories(path), false);
  }

  /**
   * Makes sure that there is room for weights and, beside them, for some more.
   *
   * @throws IOException if there isn't
   */
  public void requireSpace(long bytes) throws IOException {
    if (Files.getFileStore(path).getUsableSpace() < bytes + bytes / 8) {
      throw new IOException(path + ": too little space for " + bytes + " bytes");
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      try (Stream<Path> files = Files.list(path)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(path);
    }
  }
}
