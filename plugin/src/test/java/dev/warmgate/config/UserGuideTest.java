package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The guide says of the options what the parser says. */
class UserGuideTest {

  @Test
  void theTableOfOptionsIsTheParsersOwn() throws IOException {
    String guide = Files.readString(Path.of("..", "docs", "user-guide.md"));
    String begin = "<!-- options: a test compares this table with the parser's own -->\n";
    int start = guide.indexOf(begin) + begin.length();
    int end = guide.indexOf("<!-- end of options -->");
    assertEquals(WarmgateOptions.markdown(), guide.substring(start, end));
  }
}
