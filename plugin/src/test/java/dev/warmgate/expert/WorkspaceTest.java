package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RealType;
import dev.warmgate.kernels.Tier;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.ExpertCache;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A call that there is no memory for must not spoil the buffers for those that come after it. */
class WorkspaceTest {
  /** More than any machine has, together with {@link #WIDTH}. */
  private static final int TOO_MANY = 1 << 28;

  private static final int WIDTH = 1 << 20;

  private long allocated;

  @BeforeEach
  void measure() {
    allocated = NativeMemory.bytesInUse();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(allocated, NativeMemory.bytesInUse());
  }

  @Test
  void theHostsValuesAreTakenAgain() {
    Kernels kernels = Kernels.of(Tier.SCALAR);
    try (CallValues values = new CallValues(RealType.FP16, WIDTH, 2, false);
        Arena arena = Arena.ofConfined()) {
      MemorySegment hidden = arena.allocate(2L * WIDTH);
      MemorySegment logits = arena.allocate(2 * 2);
      values.begin(kernels, hidden, logits, MemorySegment.NULL, hidden, 1);
      assertThrows(
          OutOfMemoryError.class,
          () -> values.begin(kernels, hidden, logits, MemorySegment.NULL, hidden, TOO_MANY));
      values.begin(kernels, hidden, logits, MemorySegment.NULL, hidden, 1);
      values.end(kernels, hidden, 1);
      assertTrue(values.out().scope().isAlive());
    }
  }

  @Test
  void theScratchOfACallIsThereAgain(@TempDir Path folder) throws IOException {
    var shape = new FfnShape(WIDTH, WIDTH, Activation.RELU, 1, 0, Float.POSITIVE_INFINITY);
    Path file = Files.write(folder.resolve("experts"), new byte[8]);
    var layer = new LayerStore("moe", 2, List.of(new FileRegion(file, 0, 8)));
    var settings = new CacheSettings(1, 4096, false, EvictionKind.DEFAULT);
    try (var shared =
        SharedExperts.join(List.of(layer), "a test's", (_, _) -> 8, settings, Optional.empty())) {
      ExpertCache cache = shared.experts().place(0).cache();
      var kind = new Workspace.Kind(shape, GateRule.moe(2, 1, true), RealType.FP32, cache, true);
      try (Workspace workspace = new Workspace(kind)) {
        workspace.begin(2);
        assertThrows(OutOfMemoryError.class, () -> workspace.begin(TOO_MANY));
        workspace.begin(1);
        assertTrue(workspace.inner().scope().isAlive());
        assertTrue(workspace.partial().scope().isAlive());
      }
    }
  }
}
