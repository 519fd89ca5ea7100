package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.NormedModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a host may say of the experts that come, and what it may get wrong. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExpertHintsTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(3).withExperts(16).withTopK(2).withSizes(32, 24);

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void write() throws IOException {
    model = NormedModels.write(folder.resolve("model.onnx"), SPEC);
  }

  private Host open(int slots) throws OrtException {
    return Host.warmgate(
        model,
        SPEC,
        Map.of(
            "expert_memory",
            Long.toString(slots * SPEC.bytesPerExpert()),
            "prefetch",
            "off",
            "warm_start",
            "off"));
  }

  private static ResidencyStats statistics() {
    return Host.provider().statistics();
  }

  private static void awaitLoads(long count) {
    while (statistics().loads() < count) {
      Thread.onSpinWait();
    }
  }

  @Test
  void expectedExpertsAreReadInTheBackground() throws OrtException {
    try (Host host = open(48)) {
      ResidencyStats before = statistics();
      ExpertHints hints = ExpertHints.of(model);
      assertEquals(3, hints.layers());
      hints.expect(0, 4, 9);
      hints.expect(2, 15);
      hints.expect(1);
      awaitLoads(before.loads() + 3);
      hints.expect(0, 4, 9);
      ResidencyStats after = statistics().since(before);
      assertEquals(3, after.prefetches());
      assertEquals(0, after.misses());
      host.run(1, 1);
    }
  }

  @Test
  void badNumbersAreRefusedAndNothingIsRead() throws OrtException {
    try (Host _ = open(48)) {
      ResidencyStats before = statistics();
      ExpertHints hints = ExpertHints.of(model);
      for (int[] bad : new int[][] {{-1}, {16}, {3, 16}, {0, -7}, {Integer.MAX_VALUE}}) {
        assertThrows(IndexOutOfBoundsException.class, () -> hints.expect(0, bad));
      }
      for (int layer : new int[] {-1, 3, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        assertThrows(IndexOutOfBoundsException.class, () -> hints.expect(layer, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> hints.expect(layer));
      }
      assertEquals(0, statistics().since(before).prefetches());
    }
  }

  @Test
  void aModelThatNobodyHasOpenIsSaid() throws IOException, OrtException {
    var e = assertThrows(IllegalArgumentException.class, () -> ExpertHints.of(model));
    assertTrue(e.getMessage().contains(model.toString()), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    Path other = MoeModels.write(folder.resolve("other.onnx"), SPEC);
    try (Host _ = open(8)) {
      assertThrows(IllegalArgumentException.class, () -> ExpertHints.of(other));
      assertDoesNotThrow(() -> ExpertHints.of(folder.resolve("x/../model.onnx")));
    }
    assertThrows(IllegalArgumentException.class, () -> ExpertHints.of(model));
  }

  @Test
  void hintsOfAClosedModelDoNothing() throws OrtException {
    ExpertHints hints;
    ExpertHints.Sequence sequence;
    try (Host host = open(48)) {
      hints = ExpertHints.of(model);
      sequence = hints.newSequence();
      try (var _ = sequence.record()) {
        host.run(1, 1);
      }
    }
    ResidencyStats before = statistics();
    assertDoesNotThrow(() -> hints.expect(1, 2, 3));
    assertDoesNotThrow(sequence::expect);
    assertDoesNotThrow(() -> hints.newSequence().expect());
    try (var recording = sequence.record()) {
      assertTrue(recording != null);
    }
    assertEquals(0, statistics().since(before).prefetches());
    // Another session of the same file is another model.
    try (Host _ = open(48)) {
      assertDoesNotThrow(() -> hints.expect(1, 2, 3));
      assertEquals(0, statistics().since(before).prefetches());
    }
  }

  @Test
  void aSequenceThatComesNextFindsWhatItUsed() throws OrtException {
    try (Host host = open(8)) {
      ExpertHints hints = ExpertHints.of(model);
      ExpertHints.Sequence first = hints.newSequence();
      ExpertHints.Sequence second = hints.newSequence();
      // Of an unrecorded one nothing is known.
      ResidencyStats before = statistics();
      first.expect();
      assertEquals(0, statistics().since(before).prefetches());
      long used = 0;
      for (int turn = 0; turn < 20; turn++) {
        try (var _ = (turn % 2 == 0 ? first : second).record()) {
          host.run(1, turn % 2);
        }
        ResidencyStats quiet = statistics();
        (turn % 2 == 0 ? second : first).expect();
        awaitLoads(quiet.loads() + statistics().since(quiet).prefetches());
        used = statistics().since(before).prefetchesUsed();
      }
      assertTrue(used > 0, statistics().toString());
      // What ran outside a recording is on no tape.
      ExpertHints.Sequence third = hints.newSequence();
      try (var _ = third.record()) {
        assertEquals(3, hints.layers());
      }
      host.run(1, 99);
      ResidencyStats now = statistics();
      third.expect();
      assertEquals(0, statistics().since(now).prefetches());
    }
  }

  @Test
  void aRecordingIsOfItsThreadAlone() throws Exception {
    try (Host host = open(48);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      ExpertHints.Sequence sequence = ExpertHints.of(model).newSequence();
      try (var _ = sequence.record()) {
        other.submit(() -> host.run(1, 1)).get();
      }
    }
    try (Host _ = open(48)) {
      ExpertHints.Sequence sequence = ExpertHints.of(model).newSequence();
      ResidencyStats now = statistics();
      sequence.expect();
      assertEquals(0, statistics().since(now).prefetches());
    }
  }

  @Test
  void hintsMayComeWhileASessionRunsAndCloses() throws Exception {
    for (int turn = 0; turn < 5; turn++) {
      var done = new AtomicBoolean();
      try (ExecutorService pool = Executors.newFixedThreadPool(3)) {
        List<Future<?>> tasks = new ArrayList<>();
        try (Host host = open(10)) {
          ExpertHints hints = ExpertHints.of(model);
          float[] expected = host.run(3, 5);
          for (int t = 0; t < 3; t++) {
            int first = t;
            tasks.add(
                pool.submit(
                    () -> {
                      ExpertHints.Sequence sequence = hints.newSequence();
                      for (int i = first; !done.get(); i++) {
                        hints.expect(i % 3, i % 16, (i + 5) % 16);
                        try (var _ = sequence.record()) {
                          sequence.expect();
                        }
                      }
                    }));
          }
          for (int run = 0; run < 10; run++) {
            assertArrayEquals(expected, host.run(3, 5));
          }
        }
        done.set(true);
        for (Future<?> task : tasks) {
          task.get();
        }
      }
    }
  }
}
