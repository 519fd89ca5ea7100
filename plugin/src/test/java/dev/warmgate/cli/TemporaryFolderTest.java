package dev.warmgate.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing stays behind, whether a folder is closed or the process ends. */
class TemporaryFolderTest {

  /** A process that ends without closing its folder. */
  static final class Leaves {
    public static void main(String[] args) throws IOException {
      TemporaryFolder folder = TemporaryFolder.create("warmgate-test-");
      Files.writeString(folder.path().resolve("file"), "bytes");
      System.out.print(Files.exists(folder.path().resolve("file")));
      System.exit(0);
    }
  }

  @Test
  void closingRemovesTheFiles() throws IOException {
    Path path;
    try (TemporaryFolder folder = TemporaryFolder.create("warmgate-test-")) {
      path = folder.path();
      Files.writeString(path.resolve("file"), "bytes");
      assertTrue(Files.isDirectory(path));
    }
    assertFalse(Files.exists(path));
  }

  @Test
  void soDoesTheEndOfTheProcess(@TempDir Path parent) throws Exception {
    Path classes =
        Path.of(TemporaryFolder.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + parent,
                "-cp",
                classes + ":" + classes.resolveSibling("test-classes"),
                Leaves.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertEquals("true", new String(process.getInputStream().readAllBytes(), UTF_8));
    assertEquals(0, process.waitFor());
    try (var left = Files.list(parent)) {
      assertEquals(List.of(), left.toList());
    }
  }
}
