package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On whatever file system the temporary folder is: the answers must agree, not be yes. */
class DirectIoProbeTest {

  @TempDir Path folder;

  @Test
  void aFileItsFolderAndAnEmptyFolderAgree() throws IOException {
    Path file = Files.write(folder.resolve("file"), new byte[10_000]);
    Path empty = Files.createDirectory(folder.resolve("empty"));
    DirectIo expected = DirectIoProbe.probe(file);
    for (Path path : List.of(folder, empty)) {
      DirectIo found = DirectIoProbe.probe(path);
      assertEquals(expected.works(), found.works(), found.reason());
      assertEquals(expected.alignmentBytes(), found.alignmentBytes(), found.reason());
    }
    try (Stream<Path> left = Files.list(empty)) {
      assertEquals(List.of(), left.toList());
    }
    if (expected.works()) {
      assertTrue(expected.alignmentBytes() > 0, expected.reason());
    }
  }

  @Test
  void whatCannotBeReadDoesNotWork() throws IOException {
    Path emptyFile = Files.createFile(folder.resolve("empty"));
    for (Path path : List.of(emptyFile, folder.resolve("absent"), Path.of("/dev/null"))) {
      DirectIo found = DirectIoProbe.probe(path);
      assertFalse(found.works(), path::toString);
      assertEquals(1, found.reason().lines().count(), found.reason());
    }
  }
}
