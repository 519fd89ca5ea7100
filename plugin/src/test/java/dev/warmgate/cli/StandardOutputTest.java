package dev.warmgate.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is lost on the way out is noticed. */
class StandardOutputTest {
  private static StandardOutput printed(boolean pipe) throws IOException {
    StandardOutput output = new StandardOutput(new FileOutputStream("/dev/full"), pipe);
    try (PrintStream out = new PrintStream(output, false, UTF_8)) {
      out.println("a result");
    }
    return output;
  }

  @Test
  void aFullDiskIsAFailure() throws IOException {
    assertTrue(printed(false).failure().isPresent());
  }

  @Test
  void aReaderThatHasReadEnoughIsNone() throws IOException {
    assertEquals(Optional.empty(), printed(true).failure());
  }

  @Test
  void whatIsWrittenArrives() {
    ByteArrayOutputStream sink = new ByteArrayOutputStream();
    StandardOutput output = new StandardOutput(sink, false);
    PrintStream out = new PrintStream(output, false, UTF_8);
    out.print("ünï");
    out.write('!');
    out.flush();
    assertEquals("ünï!", sink.toString(UTF_8));
    assertEquals(Optional.empty(), output.failure());
  }
}
