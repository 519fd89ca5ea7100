package dev.warmgate.benchmarks.quantised;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.benchmarks.CommandResult;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small run of the whole comparison. */
class QuantisedCommandTest {
  @Tag("slow")
  @Test
  void allEnginesComputeTheSameLayer() {
    CommandResult result =
        CommandResult.of(
            "bench",
            "qmoe",
            "--shapes",
            "64x96",
            "--experts",
            "6",
            "--top-k",
            "2",
            "--tokens",
            "1,5",
            "--seconds",
            "0.05",
            "--json");
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    JsonArray engines =
        json.getAsJsonArray("layers").get(0).getAsJsonObject().getAsJsonArray("engines");
    assertEquals(5, engines.size());
    for (JsonElement engine : engines) {
      JsonObject row = engine.getAsJsonObject();
      String name = row.get("engine").getAsString();
      double bound = name.equals("fast") ? 3e-2 : name.startsWith("stock") ? 1e-2 : 1e-4;
      assertTrue(row.get("error_of_scale").getAsDouble() < bound, row.toString());
      assertEquals(2, row.getAsJsonArray("median_ms").size());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"64", "64x33", "0x32", "64x96x2"})
  void shapesThatAreNoneAreRefused(String shape) {
    CommandResult result = CommandResult.of("bench", "qmoe", "--shapes", shape);
    assertEquals(2, result.exitCode());
    assertEquals(1, result.err().lines().count(), result.err());
    assertEquals(List.of(), result.out().lines().toList());
  }
}
