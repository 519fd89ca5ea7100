package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.host.ort.TestProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be said without a model. */
class MainTest {
  @TempDir Path directory;

  private static void assertUnusable(String reason, String... args) {
    CommandResult result = CommandResult.of(args);
    assertEquals(2, result.exitCode(), result.err());
    assertEquals("", result.out());
    assertTrue(result.err().contains(reason), result.err());
    assertEquals(1, result.err().lines().count(), result.err());
  }

  @Test
  void wrongUsageIsOneLine() {
    assertUnusable("no command given");
    assertUnusable("nonsense", "nonsense");
    assertUnusable("--nonsense", "doctor", "--nonsense");
    assertUnusable("MODEL", "inspect");
    assertUnusable("--prompt", "run", "folder");
    assertUnusable("--prompt", "run", "folder", "--prompt", "a", "--prompt-ids", "1");
    assertUnusable("--prompt is empty", "run", "folder", "--prompt", "");
    assertUnusable("--max-tokens", "run", "folder", "--prompt", "a", "--max-tokens", "-3");
    assertUnusable("--max-tokens", "run", "folder", "--prompt", "a", "--max-tokens", "many");
    assertUnusable("temperature", "run", "folder", "--prompt", "a", "--temperature", "-1");
    assertUnusable("top-p", "run", "folder", "--prompt", "a", "--top-p", "2");
    assertUnusable("--tokens", "check", "m.onnx", "--tokens", "0");
    assertUnusable("--output-dir", "infer", "m.onnx");
  }

  /** As where the temporary folder is full, or can't be written. */
  @Test
  void aLibraryThatCantBeUnpackedIsOneLine() throws IOException, InterruptedException {
    Path absent = directory.resolve("absent");
    Path model = Files.writeString(directory.resolve("model.onnx"), "No model.\n");
    Path err = directory.resolve("err");
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-Djava.io.tmpdir=" + absent,
                "-cp",
                TestProcess.classPath(),
                "dev.warmgate.cli.Main",
                "infer",
                model.toString(),
                "--stock",
                "--output-dir",
                directory.toString())
            .redirectError(err.toFile())
            .start();
    assertEquals(1, process.waitFor());
    List<String> lines =
        Files.readAllLines(err).stream().filter(line -> !line.startsWith("WARNING: ")).toList();
    assertEquals(1, lines.size(), lines.toString());
    assertTrue(
        lines.getFirst().startsWith("warmgate: a library can't be loaded: NoSuchFileException: "),
        lines.getFirst());
  }

  @Test
  void unknownAndWrongSessionOptionsAreNamed() {
    for (String stock : List.of("--stock", "--threads=1")) {
      assertUnusable("'nonsense'", "run", "m", "--prompt=a", stock, "--option", "nonsense=1");
      assertUnusable("expert_memory", "run", "m", "--prompt=a", stock, "--expert-memory", "9x");
      assertUnusable("routing", "run", "m", "--prompt=a", stock, "--routing", "magic");
    }
    assertUnusable("threads", "check", "m.onnx", "--threads", "0");
    assertUnusable("tier", "doctor", "--option", "tier=mmx");
  }

  @Test
  void missingAndWrongFilesAreNamed() throws IOException {
    Path absent = directory.resolve("absent");
    Path text = Files.writeString(directory.resolve("text.onnx"), "This is not a model.\n");
    for (String command : List.of("inspect", "check")) {
      assertUnusable(absent + ": no such file", command, absent.toString());
      assertUnusable(text.toString(), command, text.toString());
      assertUnusable("genai_config.json: no such file", command, directory.toString());
    }
    assertUnusable(absent + ": no such folder", "run", absent.toString(), "--prompt", "a");
    assertUnusable("genai_config.json", "demo", directory.toString());
    assertUnusable(absent.toString(), "doctor", absent.toString());
    assertUnusable(
        text.toString(), "infer", text.toString(), "--stock", "--output-dir", absent.toString());
  }

  @Test
  void debugShowsTheTrace() {
    CommandResult result =
        CommandResult.of("inspect", directory.resolve("absent").toString(), "--debug");
    assertEquals(2, result.exitCode());
    assertTrue(result.err().contains("\tat "), result.err());
  }

  @Test
  void helpIsNoError() {
    CommandResult result = CommandResult.of("run", "--help");
    assertEquals(0, result.exitCode());
    assertTrue(result.out().contains("--expert-memory"), result.out());
    assertEquals("", result.err());
  }

  @Test
  void doctorPrintsOneObject() {
    CommandResult result =
        CommandResult.of("doctor", directory.toString(), "--json", "--option", "tier=scalar");
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    assertEquals(1, result.out().lines().count());
    JsonObject plan = json.getAsJsonObject("plan");
    assertEquals("scalar", plan.get("tier").getAsString());
    assertTrue(plan.get("threads").getAsInt() > 0);
    for (String key : List.of("tier_reason", "expert_memory_bytes", "read_bytes", "queue_depth")) {
      assertTrue(plan.has(key), key);
    }
    for (String key : List.of("model", "vendor", "arch", "features", "cores", "caches")) {
      assertTrue(json.getAsJsonObject("cpu").has(key), key);
    }
    for (String key : List.of("total_bytes", "available_bytes", "cgroup_limit_bytes")) {
      assertTrue(json.getAsJsonObject("memory").has(key), key);
    }
    assertEquals(0, CommandResult.of("doctor").exitCode());
  }
}
