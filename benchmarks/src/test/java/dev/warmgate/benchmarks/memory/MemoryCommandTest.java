package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryCommandTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir Path folder;

  private int run(String... more) {
    String[] args = new String[more.length + 2];
    args[0] = "bench";
    args[1] = "memory";
    System.arraycopy(more, 0, args, 2, more.length);
    return Main.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        args);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--limits=0",
        "--size=10%",
        "--size=7",
        "--tokens=0",
        "--lambda=x",
        "--option=a=b",
        "--layers=0"
      })
  void whatMakesNoSenseIsNamedInOneLine(String option) {
    assertEquals(2, run(option));
    String message = err.toString(StandardCharsets.UTF_8);
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.startsWith("warmgate: "), message);
    assertEquals(0, out.size());
  }

  private static boolean canBoundMemory() {
    try {
      ControlGroup.create(Path.of("/sys/fs/cgroup"), "warmgate-test", 1 << 20).close();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  @Tag("slow")
  void allEnginesRunUnderALimit() throws IOException {
    assumeTrue(canBoundMemory(), "this process may not make control groups");
    int code =
        run(
            "--json",
            "--size=48m",
            "--layers=2",
            "--limits=100,1",
            "--tokens=10",
            "--warm-up=10",
            "--work-dir=" + folder);
    assertEquals(0, code, err.toString(StandardCharsets.UTF_8));
    JsonObject report =
        JsonParser.parseString(out.toString(StandardCharsets.UTF_8)).getAsJsonObject();
    JsonArray rows = report.getAsJsonArray("rows");
    assertEquals(10, rows.size());
    for (int i = 0; i < 5; i++) {
      JsonObject row = rows.get(i).getAsJsonObject();
      assertFalse(row.has("failed"), row.toString());
      assertEquals(10, row.get("tokens").getAsInt());
      assertTrue(
          row.get("peak_bytes").getAsLong() <= row.get("limit_bytes").getAsLong(), row.toString());
    }
    for (int i = 5; i < 10; i++) {
      assertTrue(rows.get(i).getAsJsonObject().has("failed"), "in half a megabyte");
    }
    JsonObject errors = report.getAsJsonObject("errors");
    assertTrue(errors.get("lossless").getAsDouble() < 1e-5, errors.toString());
    try (var files = Files.list(folder)) {
      assertTrue(files.anyMatch(file -> file.toString().endsWith(".onnx.data")));
    }
  }
}
