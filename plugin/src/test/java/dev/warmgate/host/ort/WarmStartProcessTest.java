package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.host.ort.TestProcess.Outcome;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.NormedModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From one process to the next, though the first never closes its session. */
@Tag("slow")
class WarmStartProcessTest {
  @TempDir Path folder;
  private Path model;
  private Path state;

  @BeforeEach
  void write() throws IOException {
    model = NormedModels.write(folder.resolve("model.onnx"), WarmStartHost.SPEC);
    state = folder.resolve("state");
  }

  private Outcome host(String warm) throws IOException, InterruptedException {
    Outcome outcome =
        TestProcess.java(folder, WarmStartHost.class, model.toString(), state.toString(), warm);
    assertEquals(0, outcome.exit(), outcome.err());
    return outcome;
  }

  private List<Path> stateFiles() throws IOException {
    try (var files = Files.list(state)) {
      return files.toList();
    }
  }

  @Test
  void whatAHostUsedThatJustEndedIsThereForTheNext()
      throws IOException, InterruptedException, OrtException {
    host("on");
    assertEquals(1, stateFiles().size());
    ResidencyStats before = Host.provider().statistics();
    try (Host next =
        Host.warmgate(model, WarmStartHost.SPEC, WarmStartHost.options(state.toString(), "on"))) {
      // Nobody has run anything yet.
      long quiet = -1;
      while (quiet != Host.provider().statistics().since(before).loads() || quiet < 6) {
        quiet = Host.provider().statistics().since(before).loads();
        Thread.sleep(100);
      }
      next.run(WarmStartHost.TOKENS, WarmStartHost.SEED);
      ResidencyStats stats = Host.provider().statistics().since(before);
      assertEquals(0, stats.misses(), stats.toString());
      assertTrue(stats.hits() >= 6, stats.toString());
      assertEquals(stats.hits(), stats.loads(), "what was used, and nothing else");
    }
  }

  @Test
  void whatIsWrongWithTheFileIsSaidInOneLine() throws IOException, InterruptedException {
    host("on");
    Path file = stateFiles().getFirst();
    Files.writeString(file, "{\"version\":1,\"hotSet\":{\"layers\":[{\"experts\":-1}]}}");
    String said = host("on").err();
    assertEquals(
        1, said.lines().filter(line -> line.contains(file + " is ignored: ")).count(), said);
    // The line that says when and where, and the one that says what.
    assertEquals(2, said.lines().count(), said);
    // And the next one finds a good one again.
    assertFalse(host("on").err().contains("is ignored"));
  }

  @Test
  void switchedOffNothingIsKept() throws IOException, InterruptedException {
    host("off");
    assertFalse(Files.exists(state));
  }
}
