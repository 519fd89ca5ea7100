package dev.warmgate.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The user guide's program. */
class WriteTextTest {
  private static final Path HOME = Path.of(System.getProperty("warmgate.home"));

  @Test
  void theGuidePrintsTheProgramAsItIs() throws IOException {
    String guide = Files.readString(HOME.resolve("docs/user-guide.md"));
    String program =
        Files.readString(
            HOME.resolve("examples/src/main/java/dev/warmgate/examples/WriteText.java"));
    assertTrue(program.lines().count() <= 100);
    String begin = "<!-- program: a test compares it with the file -->\n```java\n";
    int start = guide.indexOf(begin) + begin.length();
    assertEquals(program, guide.substring(start, guide.indexOf("```\n<!-- end of program -->")));
  }

  @Test
  void itWritesWhatRunWrites() throws Exception {
    String folder = ExampleModel.directory().toString();
    String out =
        captured(() -> WriteText.main(new String[] {folder, "25%", ExampleModel.PROMPT, "He"}));
    String drawn = run(ExampleModel.PROMPT, "--temperature=0.8", "--top-p=0.95", "--seed=1");
    assertTrue(out.startsWith(drawn.strip() + " ("), out);
    for (String prompt : new String[] {ExampleModel.PROMPT, "He"}) {
      String greedy = run(prompt);
      assertTrue(out.contains("\n" + greedy.strip() + "\n"), out);
    }
    assertTrue(out.lines().toList().getLast().matches("\\d+ % of the experts.*bytes were read"));
  }

  /** What {@code run} writes on from a prompt. */
  private static String run(String prompt, String... options) throws Exception {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("run", ExampleModel.directory().toString(), "--prompt", prompt));
    arguments.add("--max-tokens=48");
    arguments.addAll(List.of(options));
    return captured(() -> Main.run(System.out, System.err, arguments.toArray(String[]::new)));
  }

  private interface Body {
    void run() throws Exception;
  }

  private static String captured(Body body) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, UTF_8));
    try {
      body.run();
    } finally {
      System.setOut(before);
    }
    return bytes.toString(UTF_8);
  }
}
