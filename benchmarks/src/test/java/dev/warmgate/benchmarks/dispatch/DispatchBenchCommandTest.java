package dev.warmgate.benchmarks.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.benchmarks.CommandResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as the command line finds it. */
class DispatchBenchCommandTest {
  @TempDir Path directory;

  @Tag("slow")
  @Test
  void printsJsonAndDraws() throws IOException {
    Path plot = directory.resolve("plot.svg");
    CommandResult result =
        CommandResult.of("dispatch-bench", "--seeds", "1", "--json", "--plot", plot.toString());
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    JsonObject first = json.getAsJsonArray("settings").get(0).getAsJsonObject();
    JsonObject phase = first.getAsJsonArray("methods").get(0).getAsJsonObject();
    assertEquals("phase", phase.get("method").getAsString());
    assertEquals(
        87.94,
        phase.getAsJsonObject("survival_percent").get("published_seed").getAsDouble(),
        0.005);
    // Text is drawn as outlines, so there are no words to look for.
    String svg = Files.readString(plot);
    assertTrue(svg.contains("<svg") && svg.strip().endsWith("</svg>"), "svg of " + svg.length());
  }

  @Test
  void wrongUsageIsOneLine() {
    for (String[] args :
        new String[][] {
          {"dispatch-bench", "--seeds", "0"},
          {"dispatch-bench", "--plot", "plot.gif"},
          {"dispatch-bench", "--plot", directory.resolve("absent/plot.png").toString()}
        }) {
      CommandResult result = CommandResult.of(args);
      assertEquals(2, result.exitCode(), result.err());
      assertEquals(1, result.err().lines().count(), result.err());
    }
  }
}
