package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a host sees of sessions: sharing, budgets, bad input, and nothing left behind. */
class SessionTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small()
          .withLayers(3)
          .withExperts(16)
          .withTopK(3)
          .withSizes(32, 48)
          .withBias(true)
          .withActivation(Activation.SWIGLU_INTERLEAVED);

  @TempDir Path folder;

  @Test
  void manyThreadsOnOneSessionAndSeveralSessionsGetTheSameBits()
      throws IOException, OrtException, InterruptedException, ExecutionException {
    Path model = model(SPEC);
    Map<String, String> small =
        Map.of("expert_memory", Long.toString(2 * SPEC.bytesPerExpert()), "io_threads", "3");
    List<float[]> expected = new ArrayList<>();
    try (Host alone = Host.warmgate(model, SPEC, Map.of("expert_memory", "100%"))) {
      for (int seed = 0; seed < 8; seed++) {
        expected.add(alone.run(1 + seed * 5, seed));
      }
    }
    try (Host first = Host.warmgate(model, SPEC, small);
        Host second = Host.warmgate(model, SPEC, small);
        var executor = Executors.newFixedThreadPool(8)) {
      List<Future<?>> calls = new ArrayList<>();
      for (int call = 0; call < 160; call++) {
        int seed = call % 8;
        Host host = call % 3 == 0 ? first : second;
        calls.add(
            executor.submit(
                () -> {
                  assertArrayEquals(expected.get(seed), host.run(1 + seed * 5, seed));
                  return null;
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    }
  }

  @Test
  void sessionsOfOneModelReadItOnce() throws IOException, OrtException {
    Path model = model(SPEC);
    try (Host first = Host.warmgate(model, SPEC, Map.of("expert_memory", "100%"));
        Host second = Host.warmgate(model, SPEC, Map.of("expert_memory", "100%"))) {
      first.run(200, 1);
      long loads = Host.provider().statistics().loads();
      second.run(200, 1);
      assertEquals(loads, Host.provider().statistics().loads());
    }
  }

  @Test
  void slotsStayWithinTheBudgetAndNothingIsLeftBehind() throws IOException, OrtException {
    Path model = model(SPEC);
    long native0 = NativeMemory.bytesInUse();
    long mapped0 = SharedExperts.bytesMapped();
    long budget = 5 * SPEC.bytesPerExpert() + 7;
    try (Host host = Host.warmgate(model, SPEC, Map.of("expert_memory", Long.toString(budget)))) {
      for (int seed = 0; seed < 20; seed++) {
        host.run(1 + seed, seed);
        ResidencyStats stats = Host.provider().statistics();
        assertEquals(budget, stats.budgetBytes());
        assertTrue(stats.peakSlotBytes() <= budget, stats.toString());
        assertTrue(SharedExperts.bytesMapped() - mapped0 <= budget);
      }
      assertEquals(5 * SPEC.bytesPerExpert(), Host.provider().statistics().peakSlotBytes());
    }
    assertEquals(native0, NativeMemory.bytesInUse());
    assertEquals(mapped0, SharedExperts.bytesMapped());
  }

  @Test
  void optionsAreCheckedBeforeAnythingElse() throws IOException {
    Path model = model(SPEC);
    assertMessage(
        "unknown option 'expert_mem'",
        assertThrows(
            IllegalArgumentException.class,
            () -> Host.warmgate(model, SPEC, Map.of("expert_mem", "1g"))));
    assertMessage(
        "expert_memory",
        assertThrows(
            IllegalArgumentException.class,
            () -> Host.warmgate(model, SPEC, Map.of("expert_memory", "lots"))));
  }

  @Test
  void aBudgetBelowOneExpertIsRefused() throws IOException {
    Path model = model(SPEC);
    assertMessage(
        "less than one expert",
        assertThrows(
            OrtException.class,
            () ->
                Host.warmgate(
                    model,
                    SPEC,
                    Map.of("expert_memory", Long.toString(SPEC.bytesPerExpert() - 1)))));
  }

  @Test
  void aMissingDataFileIsNamed() throws IOException {
    Path model = model(SPEC);
    Files.delete(MoeModels.dataFile(model));
    assertMessage(
        MoeModels.dataFile(model).getFileName().toString(),
        assertThrows(OrtException.class, () -> Host.warmgate(model, SPEC, Map.of())));
  }

  @Test
  void aTruncatedDataFileIsNamed() throws IOException {
    Path model = model(SPEC);
    truncate(MoeModels.dataFile(model), 2);
    assertMessage(
        MoeModels.dataFile(model).getFileName().toString(),
        assertThrows(OrtException.class, () -> Host.warmgate(model, SPEC, Map.of())));
  }

  @Test
  void aFileThatShrinksLaterFailsTheCallAndNotTheHost() throws IOException, OrtException {
    Path model = model(SPEC);
    Path data = MoeModels.dataFile(model);
    byte[] whole = Files.readAllBytes(data);
    try (Host host =
        Host.warmgate(model, SPEC, Map.of("expert_memory", Long.toString(SPEC.bytesPerExpert())))) {
      float[] before = host.run(30, 3);
      truncate(data, 4);
      assertMessage(
          data.getFileName().toString(), assertThrows(OrtException.class, () -> host.run(30, 3)));
      Files.write(data, whole, StandardOpenOption.WRITE);
      assertArrayEquals(before, host.run(30, 3));
    }
  }

  @Test
  void anInterruptedThreadOpensRunsAndCloses() throws IOException, OrtException {
    for (Storage storage : new Storage[] {Storage.EMBEDDED, Storage.EXTERNAL}) {
      MoeModelSpec spec = SPEC.withStorage(storage);
      Path model = MoeModels.write(folder.resolve(storage + ".onnx"), spec);
      Path state = folder.resolve(storage + ".state");
      Host.provider();
      Thread.currentThread().interrupt();
      try (Host host = Host.warmgate(model, spec, Map.of("state_dir", state.toString()))) {
        assertEquals(spec.hidden(), host.run(1, 1).length);
      } finally {
        assertTrue(Thread.interrupted(), "the interrupt is the host's");
      }
      try (var files = Files.list(state)) {
        assertEquals(1, files.count(), "what was learnt is kept");
      }
    }
  }

  @Test
  void creationReadsNoExpert() throws IOException, OrtException {
    Path model = model(SPEC);
    long loads = Host.provider().statistics().loads();
    try (Host _ = Host.warmgate(model, SPEC, Map.of())) {
      assertEquals(loads, Host.provider().statistics().loads());
    }
  }

  private Path model(MoeModelSpec spec) throws IOException {
    return MoeModels.write(folder.resolve("model.onnx"), spec);
  }

  private static void truncate(Path file, int divisor) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / divisor);
    }
  }

  private static void assertMessage(String part, Exception thrown) {
    assertTrue(thrown.getMessage().contains(part), thrown.getMessage());
    assertEquals(1, thrown.getMessage().lines().count(), thrown.getMessage());
  }
}
