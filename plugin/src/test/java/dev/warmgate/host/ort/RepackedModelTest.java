package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Repacked models in sessions, beside the models that they were made from. */
class RepackedModelTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(2).withExperts(6).withSizes(33, 17).withBias(true);

  @TempDir Path folder;

  private Repacked repack(Path model) throws IOException {
    return Repack.open(model, false, folder.resolve("out")).write(false, () -> {});
  }

  static List<MoeModelSpec> specs() {
    return List.of(
        SPEC,
        SPEC.withBias(false),
        SPEC.withExperts(4).withSizes(8, 8),
        // Experts that fill their blocks, to the end of the file.
        SPEC.withSizes(64, 32).withBias(false),
        SPEC.withStorage(Storage.EMBEDDED),
        SPEC.withLayout(1, 3).withActivation(Activation.SWIGLU_INTERLEAVED),
        SPEC.withSizes(64, 32).withExperts(32).withTopK(4));
  }

  @ParameterizedTest
  @MethodSource("specs")
  void givesTheBitsOfTheModelItWasMadeFrom(MoeModelSpec spec) throws IOException, OrtException {
    compare(MoeModels.write(folder.resolve("model.onnx"), spec), spec, spec.bytesPerExpert());
  }

  /** Layers of different sizes, with biases and without, from two files. */
  @Test
  void givesTheBitsOfAModelOfUnequalLayers() throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    MoeModelSpec larger = SPEC.withSizes(33, 50).withExperts(9).withBias(false).withSeed(4);
    chain(model, MoeModels.write(folder.resolve("rest.onnx"), larger));
    compare(model, SPEC, larger.bytesPerExpert());
  }

  private void compare(Path model, MoeModelSpec spec, long largestExpert)
      throws IOException, OrtException {
    Repacked repacked = repack(model);
    assertEquals(List.of(), repacked.left());
    float[] stock;
    float[] expected;
    try (Host host = Host.stock(model, spec)) {
      stock = host.run(40, 5);
    }
    try (Host host = Host.warmgate(model, spec, Map.of("expert_memory", "100%"))) {
      expected = host.run(40, 5);
    }
    assertTrue(Host.error(stock, expected) <= 1e-4);
    for (String budget : List.of("100%", "40%", Long.toString(largestExpert))) {
      for (String io : List.of("direct", "buffered")) {
        Map<String, String> given = Map.of("expert_memory", budget, "io", io);
        try (Host host = Host.warmgate(repacked.model(), spec, given)) {
          assertArrayEquals(expected, host.run(40, 5), spec + " with " + given);
        }
      }
    }
  }

  /** Puts the second model behind the first, under other names. */
  private static void chain(Path first, Path second) throws IOException {
    var model = ModelProto.parseFrom(Files.readAllBytes(first)).toBuilder();
    var graph = model.getGraphBuilder();
    var more = ModelProto.parseFrom(Files.readAllBytes(second)).getGraph();
    for (NodeProto.Builder node : graph.getNodeBuilderList()) {
      for (int i = 0; i < node.getOutputCount(); i++) {
        if (node.getOutput(i).equals("output")) {
          node.setOutput(i, "second/hidden");
        }
      }
    }
    for (var tensor : more.getInitializerList()) {
      graph.addInitializer(tensor.toBuilder().setName("second/" + tensor.getName()));
    }
    for (var node : more.getNodeList()) {
      var copy = node.toBuilder().setName("second/" + node.getName());
      for (int i = 0; i < copy.getInputCount(); i++) {
        if (!copy.getInput(i).isEmpty()) {
          copy.setInput(i, "second/" + copy.getInput(i));
        }
      }
      for (int i = 0; i < copy.getOutputCount(); i++) {
        if (!copy.getOutput(i).equals("output")) {
          copy.setOutput(i, "second/" + copy.getOutput(i));
        }
      }
      graph.addNode(copy);
    }
    Files.write(first, model.build().toByteArray());
  }

  @Test
  void withoutTheProviderItCannotBeLoaded() throws IOException {
    Repacked repacked = repack(MoeModels.write(folder.resolve("model.onnx"), SPEC));
    OrtException e = assertThrows(OrtException.class, () -> Host.stock(repacked.model(), SPEC));
    assertTrue(e.getMessage().contains("out of bounds"), e.getMessage());
  }

  @Test
  void theStoreOfAnotherModelFailsTheSession() throws IOException {
    Repacked repacked = repack(MoeModels.write(folder.resolve("model.onnx"), SPEC));
    Path other = MoeModels.write(folder.resolve("other.onnx"), SPEC.withSeed(3));
    Path store = Repack.open(other, false, folder.resolve("out2")).write(false, () -> {}).store();
    Files.copy(store, repacked.store(), StandardCopyOption.REPLACE_EXISTING);
    OrtException e =
        assertThrows(OrtException.class, () -> Host.warmgate(repacked.model(), SPEC, Map.of()));
    assertTrue(e.getMessage().contains("belongs to another model"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  /** 2 GB of experts; a run is killed in the middle, the next one does it all. */
  @Tag("slow")
  @Test
  void aKilledRunLeavesNoModel() throws IOException, InterruptedException {
    MoeModelSpec spec =
        MoeModelSpec.small()
            .withLayers(4)
            .withExperts(64)
            .withSizes(1024, 1024)
            .withStorage(Storage.EXTERNAL_ZEROS);
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    Path out = folder.resolve("out");
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-cp",
                TestProcess.classPath(),
                "dev.warmgate.cli.Main",
                "repack",
                model.toString(),
                "--out",
                out.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Path store = folder.resolve("out.partial").resolve("model.onnx.experts");
    while (process.isAlive() && !(Files.exists(store) && Files.size(store) > 200_000_000)) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    process.destroyForcibly().waitFor();
    assertTrue(Files.exists(store), Files.readString(folder.resolve("log")));
    assertTrue(Files.notExists(out));
    Repacked repacked = repack(model);
    assertTrue(Files.notExists(folder.resolve("out.partial")));
    assertEquals(256, repacked.experts());
    assertTrue(Files.size(repacked.store()) > 2_147_483_648L);
  }

  @Test
  void aCorruptExpertFailsTheCallAndIsNotComputedWith() throws IOException, OrtException {
    Repacked repacked = repack(MoeModels.write(folder.resolve("model.onnx"), SPEC));
    long position = Files.size(repacked.store()) - 4096 * 3 + 5;
    try (FileChannel channel =
        FileChannel.open(repacked.store(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer good = ByteBuffer.allocate(1);
      channel.read(good, position);
      byte bad = (byte) (good.get(0) ^ 1);
      channel.write(ByteBuffer.wrap(new byte[] {bad}), position);
      try (Host host = Host.warmgate(repacked.model(), SPEC, Map.of("expert_memory", "100%"))) {
        OrtException e = assertThrows(OrtException.class, () -> host.run(60, 1));
        assertTrue(e.getMessage().contains("checksum mismatch"), e.getMessage());
        assertTrue(e.getMessage().contains(repacked.store().toString()), e.getMessage());
        channel.write(good.flip(), position);
        float[] expected;
        try (Host original =
            Host.warmgate(folder.resolve("model.onnx"), SPEC, Map.of("expert_memory", "100%"))) {
          expected = original.run(60, 1);
        }
        assertArrayEquals(expected, host.run(60, 1));
      }
    }
  }
}
