package dev.warmgate.benchmarks.pagein;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.benchmarks.CommandResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as the command line finds it. */
class PageInCommandTest {
  @TempDir Path directory;

  @Tag("slow")
  @Test
  void readsAFileByBothWays() throws IOException {
    Path file = directory.resolve("file");
    try (var empty = new RandomAccessFile(file.toFile(), "rw")) {
      empty.setLength(65L << 20);
    }
    CommandResult result =
        CommandResult.of(
            "bench", "pagein", file.toString(), "--expert-mib", "2", "--runs", "1", "--json");
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    JsonObject only = json.getAsJsonArray("results").get(0).getAsJsonObject();
    assertEquals(64L << 20, only.get("bytes").getAsLong());
    assertEquals(2 << 20, only.get("expert_bytes").getAsLong());
    assertEquals(
        only.get("ratio").getAsDouble(),
        only.get("pagein_bytes_per_s").getAsDouble() / only.get("dd_bytes_per_s").getAsDouble(),
        1e-6);
  }

  @Test
  void wrongUsageIsOneLine() throws IOException {
    Path small = Files.write(directory.resolve("small"), new byte[5]);
    for (String[] args :
        new String[][] {
          {"bench"},
          {"bench", "pagein"},
          {"bench", "pagein", directory.resolve("absent").toString()},
          {"bench", "pagein", small.toString()},
          {"bench", "pagein", small.toString(), "--runs", "0"}
        }) {
      CommandResult result = CommandResult.of(args);
      assertEquals(2, result.exitCode(), result.err());
      assertEquals(1, result.err().lines().count(), result.err());
      assertTrue(result.err().startsWith("warmgate: "), result.err());
    }
  }
}
