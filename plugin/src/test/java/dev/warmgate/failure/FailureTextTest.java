package dev.warmgate.failure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every failure has words: a null handed to C would end the process. */
class FailureTextTest {
  @Test
  void oneLineThatSaysWhatIsWrong() {
    Map<Throwable, String> expected = new LinkedHashMap<>();
    expected.put(new IOException("a.onnx: damaged"), "a.onnx: damaged");
    expected.put(new IllegalArgumentException("two\n  lines\r\n"), "two; lines");
    expected.put(new IOException(), "IOException");
    expected.put(new IllegalStateException(" "), "IllegalStateException");
    expected.put(new ClosedChannelException(), "ClosedChannelException");
    expected.put(
        new ClosedByInterruptException(), "the thread was interrupted while it read a file");
    expected.put(new NoSuchFileException("/m/a"), "/m/a: no such file");
    expected.put(new AccessDeniedException("/m/a"), "/m/a: permission denied");
    expected.put(new FileAlreadyExistsException("/m/a"), "/m/a: exists already");
    expected.put(new DirectoryNotEmptyException("/m"), "/m: directory not empty");
    expected.put(new FileSystemException("/m/a", null, "No space left"), "/m/a: No space left");
    expected.forEach((failure, text) -> assertEquals(text, FailureText.of(failure)));
  }
}
