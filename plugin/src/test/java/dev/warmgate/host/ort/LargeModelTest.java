package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.host.ort.TestProcess.Outcome;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.repack.Repack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of 2 GB, in a process of its own, so that its memory can be seen. */
@Tag("slow")
class LargeModelTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small()
          .withLayers(4)
          .withExperts(64)
          .withSizes(1024, 1024)
          .withStorage(Storage.EXTERNAL_ZEROS);
  private static final long MIB = 1 << 20;

  @TempDir Path folder;

  @Test
  void memoryFollowsTheBudgetAndNotTheModel() throws IOException, InterruptedException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    assertTrue(Files.size(MoeModels.dataFile(model)) > 2_000_000_000L);
    // Weights of zero send every token to the same experts: 8 of them, in 4 layers.
    assertMemoryFollowsTheBudget("provider", model);
  }

  @Test
  void soItDoesForAnAdaptedModel() throws IOException, InterruptedException {
    MoeModelSpec spec = SPEC.withExperts(16);
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    Path adapted =
        Repack.adapt(model, false, folder.resolve("adapted")).write(false, () -> {}).model();
    assertTrue(Files.size(folder.resolve("adapted/model.onnx.experts")) > 500_000_000L);
    assertMemoryFollowsTheBudget("adapted", adapted);
  }

  private void assertMemoryFollowsTheBudget(String how, Path model)
      throws IOException, InterruptedException {
    long budget = 6 * SPEC.bytesPerExpert();
    Outcome outcome =
        TestProcess.java(folder, Main.class, how, model.toString(), Long.toString(budget));
    assertEquals(0, outcome.exit(), outcome.err());
    List<Long> figures = outcome.out().lines().map(Long::parseLong).toList();
    long created = figures.get(0);
    long peak = figures.get(1);
    long peakSlots = figures.get(2);
    assertTrue(created < 200 * MIB, "after creation: " + created);
    assertEquals(budget, peakSlots);
    assertTrue(peak < 200 * MIB + budget, "at its peak: " + peak);
  }

  /** Makes a session, says how much memory that took, runs it, says what the most was. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException, OrtException {
      Path model = Path.of(args[1]);
      Map<String, String> given = Map.of("expert_memory", args[2]);
      try (Host host =
          args[0].equals("adapted")
              ? Host.adapted(model, SPEC, given)
              : Host.warmgate(model, SPEC, given)) {
        long created = status("VmRSS:");
        for (int seed = 0; seed < 4; seed++) {
          host.run(16, seed);
        }
        ResidencyStats stats = Host.provider().statistics();
        System.out.printf("%d%n%d%n%d%n", created, status("VmHWM:"), stats.peakSlotBytes());
      }
    }

    private static long status(String field) throws IOException {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith(field))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElseThrow();
    }
  }
}
