package dev.warmgate.hwdetect.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The files in which the kernel describes the system. What is missing or unreadable reads as empty:
 * which files exist differs from kernel to kernel and from container to container.
 *
 * @param root {@code /}, or a folder of captured files
 */
public record SystemFiles(Path root) {

  /** The files of this machine. */
  public static SystemFiles ofThisMachine() {
    return new SystemFiles(Path.of("/"));
  }

  /**
   * The lines of a file; empty if it can't be read. It may name folders, and is read as Java reads
   * their names: bytes that are no UTF-8 become U+FFFD.
   */
  public List<String> lines(String path) {
    try {
      return new String(Files.readAllBytes(resolve(path)), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException | InvalidPathException e) {
      return List.of();
    }
  }

  /** The first line of a file without surrounding blanks; empty if it can't be read. */
  public Optional<String> line(String path) {
    return lines(path).stream().findFirst().map(String::strip);
  }

  /** The names in a folder, sorted; empty if it can't be read. */
  public List<String> names(String folder) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(resolve(folder))) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    } catch (IOException | InvalidPathException e) {
      return List.of();
    }
    names.sort(null);
    return names;
  }

  /** Whether there is such a file or folder. */
  public boolean exists(String path) {
    try {
      return Files.exists(resolve(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** The path that a link leads to, from the root; empty if there is nothing. */
  public Optional<String> realPath(String path) {
    try {
      Path real = resolve(path).toRealPath();
      return Optional.of("/" + root.toRealPath().relativize(real));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }

  private Path resolve(String path) {
    return root.resolve(path.substring(1));
  }
}
