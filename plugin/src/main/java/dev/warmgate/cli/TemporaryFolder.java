package dev.warmgate.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A temporary folder of plain files, which may be as large as a model: it goes when it is closed,
 * or when the process ends before that, by Ctrl-C say.
 */
public final class TemporaryFolder implements AutoCloseable {
  private final Path path;
  private final Thread atExit;

  private TemporaryFolder(Path path) {
    this.path = path;
    this.atExit = new Thread(this::removeAtExit, "warmgate-remove");
  }

  /** Makes one whose name begins with {@code prefix}. */
  public static TemporaryFolder create(String prefix) throws IOException {
    TemporaryFolder folder = new TemporaryFolder(Files.createTempDirectory(prefix));
    Runtime.getRuntime().addShutdownHook(folder.atExit);
    return folder;
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  private void remove() throws IOException {
    List<Path> files;
    try (Stream<Path> names = Files.list(path)) {
      files = names.toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(path);
  }

  private void removeAtExit() {
    try {
      remove();
    } catch (IOException | UncheckedIOException e) {
      // It has been removed already, or somebody still writes to it: there is nobody left to tell.
    }
  }

  @Override
  public void close() throws IOException {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      return; // the process is ending, and the hook at work
    }
    remove();
  }
}
