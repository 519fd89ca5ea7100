package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulateCommandTest {
  @TempDir private Path folder;
  private String trace;

  /** A trace of 2 layers, top 1 of 8, written as the format says. */
  @BeforeEach
  void write() throws IOException {
    Random random = new Random(1);
    byte[] ids = new byte[2 * 400];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (byte) Math.min(random.nextInt(8), random.nextInt(8));
    }
    Files.write(folder.resolve("t.u8"), ids);
    Files.writeString(
        folder.resolve("t.json"),
        """
        {"model":"toy","layers":2,"experts":8,"top_k":1,
         "sequences":[{"name":"a","offset":0,"tokens":150},{"name":"b","offset":150,"tokens":250}]}
        """);
    trace = folder.resolve("t").toString();
  }

  @Test
  void jsonHasWhatWasAskedForAndTheYardsticks() {
    CommandResult result =
        CommandResult.of(
            "simulate", trace, "--json", "--policy", "lfu,lru", "--resident", "12.5%,50%");
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    JsonArray results = json.getAsJsonArray("results");
    List<String> rows = new ArrayList<>();
    for (JsonElement element : results) {
      JsonObject row = element.getAsJsonObject();
      rows.add(row.get("policy").getAsString() + " " + row.get("resident").getAsString());
      double hitRate = row.get("hit_rate").getAsDouble();
      assertTrue(hitRate > 0 && hitRate < 1);
      assertEquals(Math.round(800 * (1 - hitRate)), row.get("loads").getAsLong());
      assertEquals(0, row.get("prefetch_used").getAsLong());
      assertEquals(0, row.get("prefetch_wasted").getAsLong());
    }
    assertEquals(
        List.of(
            "lfu 12.5%",
            "lfu 50%",
            "lru 12.5%",
            "lru 50%",
            "random 12.5%",
            "random 50%",
            "belady 12.5%",
            "belady 50%"),
        rows);
  }

  @Test
  void theTableIsForPeople() {
    CommandResult result =
        CommandResult.of("simulate", trace, "--prefetch", "transition", "--sharing", "pool");
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().startsWith("toy: 400 tokens, 2 layers, top 1 of 8\n"), result.out());
    for (String name : List.of("default + transition", "lru", "random", "belady", "pool")) {
      assertTrue(result.out().contains(name), result.out());
    }
  }

  @Test
  void badUsageIsOneLine() {
    assertUnusable("policy 'best' is not one of default", "--policy", "lru,best");
    for (String share : List.of("25", "0%", "101%", "-5%", "x", "1e1%")) {
      assertUnusable("--resident: '" + share + "' is not a share", "--resident", share);
    }
    assertUnusable("--prefetch: 'all' is not one of none, transition, gate", "--prefetch", "all");
    assertUnusable("--sharing: 'some' is not one of equal, pool", "--sharing", "some");
    assertUnusable("prefetch gate needs a trace with logits", "--prefetch", "gate");
    trace = folder.resolve("none").toString();
    assertUnusable("none.json: no such file");
  }

  private void assertUnusable(String reason, String... options) {
    List<String> args = new ArrayList<>(List.of("simulate", trace));
    args.addAll(List.of(options));
    CommandResult result = CommandResult.of(args.toArray(String[]::new));
    assertEquals(2, result.exitCode(), result.err());
    assertEquals("", result.out());
    assertTrue(result.err().contains(reason), result.err());
    assertEquals(1, result.err().lines().count(), result.err());
  }
}
