package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModels;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever an upcall throws, the host gets an exception of its own kind and goes on. */
class UpcallFailureTest {
  private static final MoeModelSpec SPEC = MoeModelSpec.small();

  @TempDir Path folder;

  static List<Throwable> throwables() {
    return List.of(
        new IllegalStateException("injected"),
        new IOException("injected"),
        new StackOverflowError("injected"),
        new OutOfMemoryError("injected"),
        new NullPointerException());
  }

  @AfterEach
  void noMoreFaults() {
    Upcall.setFault(_ -> {});
  }

  @ParameterizedTest
  @ValueSource(strings = {"CreateEp", "GetCapability", "Compile", "CreateState"})
  void whileASessionIsMade(String upcall) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    Host.provider();
    for (Throwable thrown : throwables()) {
      fail(upcall, thrown);
      OrtException seen =
          assertThrows(OrtException.class, () -> Host.warmgate(model, SPEC, Map.of()).close());
      // Of CreateState's failure ONNX Runtime passes on only that it failed.
      if (!upcall.equals("CreateState")) {
        assertTrue(seen.getMessage().contains("Warmgate"), seen.getMessage());
      }
      assertStillServes(model);
    }
  }

  @Test
  void whatHasNoWordsIsToldAllTheSame() throws IOException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    Host.provider();
    Map.of(
            new ClosedChannelException(),
            "Warmgate: ClosedChannelException",
            new NoSuchFileException("/gone/weights"),
            "Warmgate: /gone/weights: no such file")
        .forEach(
            (thrown, expected) -> {
              fail("CreateEp", thrown);
              OrtException seen =
                  assertThrows(OrtException.class, () -> Host.warmgate(model, SPEC, Map.of()));
              assertTrue(seen.getMessage().contains(expected), seen.getMessage());
            });
  }

  @ParameterizedTest
  @MethodSource("throwables")
  void whileALayerIsComputed(Throwable thrown) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    try (Host host = Host.warmgate(model, SPEC, Map.of())) {
      float[] before = host.run(3, 5);
      fail("Compute", thrown);
      assertThrows(OrtException.class, () -> host.run(3, 5));
      noMoreFaults();
      assertArrayEquals(before, host.run(3, 5));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ReleaseNodeComputeInfos", "ReleaseEp"})
  void whileASessionIsClosed(String upcall) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    for (Throwable thrown : throwables()) {
      Host host = Host.warmgate(model, SPEC, Map.of());
      fail(upcall, thrown);
      host.close();
      assertStillServes(model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"CreateEpFactories", "GetSupportedDevices", "CreateDataTransfer"})
  void whileTheLibraryIsRegistered(String upcall) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    Host.provider();
    for (Throwable thrown : throwables()) {
      fail(upcall, thrown);
      OrtException seen = assertThrows(OrtException.class, Host::registerAgain);
      assertTrue(seen.getMessage().contains("Warmgate"), seen.getMessage());
      assertStillServes(model);
    }
  }

  @Test
  void everyUpcallThatCanFailIsAmongThese() throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    Host.provider();
    Set<String> seen = ConcurrentHashMap.newKeySet();
    Upcall.setFault(seen::add);
    Host.registerAgain();
    try (Host host = Host.warmgate(model, SPEC, Map.of())) {
      host.run(1, 1);
    }
    assertEquals(
        Set.of(
            "CreateEpFactories",
            "GetSupportedDevices",
            "CreateDataTransfer",
            "ReleaseEpFactory",
            "CreateEp",
            "GetCapability",
            "Compile",
            "CreateState",
            "Compute",
            "ReleaseNodeComputeInfos",
            "ReleaseEp"),
        seen);
  }

  private void assertStillServes(Path model) throws OrtException {
    noMoreFaults();
    try (Host host = Host.warmgate(model, SPEC, Map.of())) {
      assertEquals(SPEC.hidden(), host.run(1, 1).length);
    }
  }

  private static void fail(String upcall, Throwable thrown) {
    Upcall.setFault(
        name -> {
          if (name.equals(upcall)) {
            UpcallFailureTest.<RuntimeException>sneak(thrown);
          }
        });
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // That is the trick.
  private static <E extends Throwable> void sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }
}
