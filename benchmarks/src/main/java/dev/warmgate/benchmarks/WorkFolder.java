package dev.warmgate.benchmarks;

import dev.warmgate.cli.TemporaryFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a benchmark keeps its files: the user's folder, which stays, or a temporary one.
 *
 * @param path of the folder
 * @param temporary the same, if it goes when closed
 */
public record WorkFolder(Path path, Optional<TemporaryFolder> temporary) implements AutoCloseable {

  /**
   * Opens it.
   *
   * @param path made if it isn't there; null for a temporary one
   */
  public static WorkFolder open(Path path) throws IOException {
    if (path != null) {
      return new WorkFolder(Files.createDirectories(path), Optional.empty());
    }
    TemporaryFolder temporary = TemporaryFolder.create("warmgate-bench-");
    return new WorkFolder(temporary.path(), Optional.of(temporary));
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
    if (temporary.isPresent()) {
      temporary.get().close();
    }
  }
}
