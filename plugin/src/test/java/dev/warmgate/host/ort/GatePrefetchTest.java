package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.NormedModels;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A model like a decoder in a real session: gates are found, read, and foresee. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GatePrefetchTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(6).withExperts(16).withTopK(2).withSizes(32, 24);
  private static final int STEPS = 50;

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void write() throws IOException {
    model = NormedModels.write(folder.resolve("model.onnx"), SPEC);
  }

  private static Map<String, String> options(String prefetch, int slots) {
    return Map.of(
        "expert_memory",
        Long.toString(slots * SPEC.bytesPerExpert()),
        "prefetch",
        prefetch,
        "warm_start",
        "off");
  }

  private static float[] step(Host host, int step) throws OrtException {
    return host.run(step % 7 == 6 ? 5 : 1, step);
  }

  private List<float[]> run(String prefetch, int slots) throws OrtException {
    List<float[]> outputs = new ArrayList<>();
    try (Host host = Host.warmgate(model, SPEC, options(prefetch, slots))) {
      for (int step = 0; step < STEPS; step++) {
        outputs.add(step(host, step));
      }
    }
    return outputs;
  }

  private static ResidencyStats since(ResidencyStats before) {
    return Host.provider().statistics().since(before);
  }

  @Test
  void whatTheNextGateSaysIsReadAheadAndChangesNoBit() throws OrtException {
    long allocated = NativeMemory.bytesInUse();
    long mapped = SharedExperts.bytesMapped();
    List<float[]> expected = run("off", 96);
    try (Host stock = Host.stock(model, SPEC)) {
      for (int step = 0; step < 10; step++) {
        assertTrue(Host.error(step(stock, step), expected.get(step)) < 1e-4, "step " + step);
      }
    }
    for (int slots : new int[] {1, 24, 95}) {
      for (String prefetch : List.of("gate", "off")) {
        ResidencyStats before = Host.provider().statistics();
        List<float[]> outputs = run(prefetch, slots);
        for (int step = 0; step < STEPS; step++) {
          assertArrayEquals(expected.get(step), outputs.get(step), slots + " slots, " + prefetch);
        }
        ResidencyStats stats = since(before);
        if (prefetch.equals("off")) {
          assertEquals(0, stats.prefetches());
        } else if (slots == 24) {
          assertTrue(stats.prefetchesUsed() > 0, stats.toString());
          assertTrue(stats.prefetchesUsed() + stats.prefetchesLate() > 15, stats.toString());
          assertEquals(
              stats.prefetches(),
              stats.prefetchesUsed() + stats.prefetchesLate() + stats.prefetchesWasted());
        }
      }
    }
    assertEquals(allocated, NativeMemory.bytesInUse());
    assertEquals(mapped, SharedExperts.bytesMapped());
  }

  @Test
  void threadsAndSessionsTogetherGetTheSameBits() throws Exception {
    List<float[]> expected = run("off", 96);
    try (Host first = Host.warmgate(model, SPEC, options("gate", 20));
        Host second = Host.warmgate(model, SPEC, options("gate", 20));
        ExecutorService pool = Executors.newFixedThreadPool(6)) {
      List<Future<?>> calls = new ArrayList<>();
      for (int call = 0; call < 4 * STEPS; call++) {
        int step = call * 11 % STEPS;
        Host host = call % 2 == 0 ? first : second;
        calls.add(
            pool.submit(
                () -> {
                  assertArrayEquals(expected.get(step), step(host, step), "step " + step);
                  return null;
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    }
  }

  @Test
  void aModelFromMemoryHasNoGatesAndStillRuns() throws IOException, OrtException {
    MoeModelSpec input = SPEC.withStorage(MoeModelSpec.Storage.EMBEDDED);
    List<float[]> expected = run("off", 96);
    ResidencyStats before = Host.provider().statistics();
    // What isn't in a file can't be paged, and is left to the host.
    try (Host host = Host.warmgate(Files.readAllBytes(model), input, options("gate", 95))) {
      assertTrue(Host.error(expected.getFirst(), step(host, 0)) < 1e-4);
    }
    assertEquals(0, since(before).prefetches());
  }
}
