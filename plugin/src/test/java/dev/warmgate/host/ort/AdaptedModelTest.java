package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import com.google.protobuf.ByteString;
import dev.warmgate.config.OptionsFile;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.QMoeInputs;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import dev.warmgate.onnx.QMoeSession;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Adapted models in ONNX Runtime without the provider, beside what the provider computes. */
class AdaptedModelTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(2).withExperts(6).withSizes(33, 17).withBias(true);
  private static final QMoeModelSpec QSPEC = QMoeHost.small();

  @TempDir Path folder;

  private Repacked adapt(Path model) throws IOException {
    return Repack.adapt(model, false, folder.resolve("out")).write(false, () -> {});
  }

  private Path adaptedSpec() throws IOException {
    return adapt(MoeModels.write(folder.resolve("model.onnx"), SPEC)).model();
  }

  static List<MoeModelSpec> specs() {
    return List.of(
        SPEC,
        SPEC.withRank(3).withRouter(Router.MATMUL_BIAS).withNormalize(true),
        SPEC.withStorage(Storage.EMBEDDED),
        SPEC.withLayout(1, 3).withActivation(Activation.SWIGLU_INTERLEAVED).withSwiglu(1.7f, 1, 7),
        SPEC.withSizes(64, 32).withExperts(32).withTopK(4).withBias(false));
  }

  @ParameterizedTest
  @MethodSource("specs")
  void givesTheBitsOfTheProvider(MoeModelSpec spec) throws IOException, OrtException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), spec);
    float[] expected;
    try (Host host = Host.warmgate(model, spec, Map.of("expert_memory", "100%"))) {
      expected = host.run(40, 5);
    }
    Repacked adapted = adapt(model);
    assertEquals(List.of(), adapted.left());
    // It needs nothing of the model that it was made from.
    Files.delete(model);
    Files.deleteIfExists(MoeModels.dataFile(model));
    for (String budget : List.of(Long.toString(spec.bytesPerExpert()), "40%", "100%")) {
      for (String prefetch : List.of("off", "gate")) {
        Map<String, String> given = Map.of("expert_memory", budget, "prefetch", prefetch);
        try (Host host = Host.adapted(adapted.model(), spec, given)) {
          assertArrayEquals(expected, host.run(40, 5), budget);
        }
      }
    }
  }

  static List<QMoeModelSpec> formats() {
    return List.of(
        QSPEC.with(QSPEC.moe().withLayers(2).withBias(true)).withFormat(4, 16, true),
        QSPEC
            .with(
                QSPEC.moe().withStorage(Storage.EMBEDDED).withActivation(Activation.SWIGLU_HALVES))
            .withFormat(8, 0, true)
            .withType(ElementType.FLOAT16),
        QSPEC.with(QSPEC.moe().withLayout(1, 3).withSizes(44, 20)).withFormat(2, 32, false),
        QSPEC.withRouterWeights(true),
        QMoeModelSpec.half().with(QSPEC.moe().withBias(true)));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void givesTheBitsOfTheProviderForEveryFormat(QMoeModelSpec spec)
      throws IOException, OrtException {
    Path model = QMoeModels.write(folder.resolve("model.onnx"), spec);
    Path adapted = adapt(model).model();
    QMoeInputs inputs = QMoeInputs.random(spec, 20, new Random(3));
    for (String precision : List.of("exact", "fast")) {
      float[] expected;
      try (QMoeSession session = QMoeHost.open(model, spec, Map.of("precision", precision))) {
        expected = inputs.run(session);
      }
      for (String budget : List.of(Long.toString(spec.bytesPerExpert()), "40%", "100%")) {
        Map<String, String> given = Map.of("expert_memory", budget, "precision", precision);
        try (QMoeSession session = QMoeHost.adapted(adapted, spec, given)) {
          assertArrayEquals(expected, inputs.run(session), precision + " " + budget);
        }
      }
    }
  }

  @Test
  void isInspectedAsTheOriginalIs() throws IOException {
    Path model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    ModelInspection before = ModelInspection.of(OnnxModel.read(model));
    ModelInspection after = ModelInspection.of(OnnxModel.read(adapt(model).model()));
    assertEquals(before.layers().size(), after.layers().size());
    assertEquals(before.expertBytesTotal(), after.expertBytesTotal());
    assertEquals(before.layers().getFirst().format(), after.layers().getFirst().format());
    assertEquals(before.unsupported(), after.unsupported());
  }

  @Test
  void sessionsShareTheirCachesAndGiveAllMemoryBack() throws IOException, OrtException {
    Path model = adaptedSpec();
    long before = Host.provider().nativeBytes();
    Map<String, String> given = Map.of("expert_memory", "100%");
    try (Host first = Host.adapted(model, SPEC, given)) {
      float[] expected = first.run(40, 5);
      ResidencyStats warm = Host.provider().statistics();
      long one = Host.provider().nativeBytes();
      try (Host second = Host.adapted(model, SPEC, given)) {
        assertArrayEquals(expected, second.run(40, 5));
      }
      assertEquals(0, Host.provider().statistics().since(warm).misses());
      assertEquals(one, Host.provider().nativeBytes());
      assertArrayEquals(expected, first.run(40, 5));
    }
    assertEquals(before, Host.provider().nativeBytes());
  }

  @Test
  void manySessionsAtOnce() throws Exception {
    Path model = adaptedSpec();
    float[] expected;
    try (Host host = Host.adapted(model, SPEC, Map.of())) {
      expected = host.run(9, 7);
    }
    List<Callable<float[]>> users = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      String budget = i % 3 == 0 ? "40%" : "100%";
      users.add(
          () -> {
            try (Host host = Host.adapted(model, SPEC, Map.of("expert_memory", budget))) {
              return host.run(9, 7);
            }
          });
    }
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (Future<float[]> result : threads.invokeAll(users)) {
        assertArrayEquals(expected, result.get());
      }
    }
  }

  @Test
  void optionsBesideTheModelCountUnlessTheSessionHasOthers() throws IOException, OrtException {
    Path model = adaptedSpec();
    long expert = SPEC.bytesPerExpert();
    Path file = model.resolveSibling(OptionsFile.NAME);
    Files.write(file, OptionsFile.content(Map.of("expert_memory", Long.toString(2 * expert))));
    assertEquals(2 * expert, budget(model, Map.of()));
    assertEquals(3 * expert, budget(model, Map.of("expert_memory", Long.toString(3 * expert))));
    Files.writeString(file, "expert_memory = much\n");
    String refused = message(() -> Host.adapted(model, SPEC, Map.of()).close());
    assertTrue(
        refused.contains(file + ": option expert_memory: 'much' is not a memory size"), refused);
  }

  private static long budget(Path model, Map<String, String> given) throws OrtException {
    long before = Host.provider().statistics().budgetBytes();
    try (Host host = Host.adapted(model, SPEC, given)) {
      host.run(1, 1);
      return Host.provider().statistics().budgetBytes() - before;
    }
  }

  @Test
  void aBadOptionIsRefusedBeforeTheSessionIsMade() throws IOException {
    Path model = adaptedSpec();
    String refused =
        assertThrows(
                IllegalArgumentException.class,
                () -> Host.adapted(model, SPEC, Map.of("nonsense", "1")))
            .getMessage();
    assertTrue(refused.startsWith("unknown option 'nonsense'"), refused);
    String small = message(() -> Host.adapted(model, SPEC, Map.of("expert_memory", "1k")).close());
    assertTrue(small.contains("1024") && small.contains("expert"), small);
  }

  @Test
  void aDamagedExpertFailsItsCallsOnly() throws IOException, OrtException {
    Path model = adaptedSpec();
    Path store = folder.resolve("out/model.onnx.experts");
    byte[] sound = Files.readAllBytes(store);
    byte[] damaged = sound.clone();
    for (int i = 4096; i < damaged.length; i += 4096) {
      damaged[i] ^= 1;
    }
    Map<String, String> given =
        Map.of("expert_memory", "100%", "prefetch", "off", "io", "buffered");
    try (Host host = Host.adapted(model, SPEC, given)) {
      overwrite(store, damaged);
      String refused = message(() -> host.run(1, 1));
      assertTrue(refused.contains("checksum mismatch"), refused);
      overwrite(store, sound);
      assertEquals(SPEC.hidden(), host.run(1, 1).length);
    }
  }

  private static void overwrite(Path file, byte[] content) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(content), 0);
    }
  }

  @Test
  void aModelFromMemoryNeedsItsFolder() throws IOException, OrtException {
    Path model = adaptedSpec();
    float[] expected;
    try (Host host = Host.adapted(model, SPEC, Map.of())) {
      expected = host.run(5, 1);
    }
    try (Host host = Host.adapted(Files.readAllBytes(model), model.getParent(), SPEC)) {
      assertArrayEquals(expected, host.run(5, 1));
    }
  }

  @Test
  void whatIsNoNodeOfTheModelIsRefused() throws IOException {
    Path model = adaptedSpec();
    byte[] other = edit(model, AdaptedModelTest::withOtherTopK);
    String refused = message(() -> Host.adapted(other, model.getParent(), SPEC).close());
    assertTrue(refused.contains("is no node of " + model), refused);
  }

  @Test
  void anInputThatIsLeftOutFailsTheCall() throws IOException {
    QMoeModelSpec spec = QSPEC.withRouterWeights(true);
    Path model = adapt(QMoeModels.write(folder.resolve("model.onnx"), spec)).model();
    byte[] other = edit(model, node -> node.toBuilder().setInput(3, "").build());
    QMoeInputs inputs = QMoeInputs.random(spec, 2, new Random(3));
    Files.write(model.resolveSibling("other.onnx"), other);
    String refused =
        message(
            () -> {
              try (QMoeSession session =
                  QMoeHost.adapted(model.resolveSibling("other.onnx"), spec, Map.of())) {
                inputs.run(session);
              }
            });
    assertTrue(refused.contains("input 3 is left out"), refused);
  }

  @Test
  void filesThatDontFitAreRefused() throws IOException {
    Path model = adaptedSpec();
    Path store = folder.resolve("out/model.onnx.experts");
    Path other = MoeModels.write(folder.resolve("other.onnx"), SPEC.withSeed(7));
    Path otherStore =
        Repack.adapt(other, false, folder.resolve("2")).write(false, () -> {}).store();
    byte[] sound = Files.readAllBytes(store);
    Files.write(store, Files.readAllBytes(otherStore));
    String foreign = message(() -> Host.adapted(model, SPEC, Map.of()).close());
    assertTrue(foreign.contains("belongs to another model"), foreign);
    Files.write(store, Arrays.copyOf(sound, sound.length - 1));
    String cut = message(() -> Host.adapted(model, SPEC, Map.of()).close());
    assertTrue(cut.contains("is damaged"), cut);
    Files.delete(store);
    message(() -> Host.adapted(model, SPEC, Map.of()).close());
  }

  @Test
  void withoutTheLibraryItIsRefused() throws IOException {
    Path model = adaptedSpec();
    String refused =
        assertThrows(OrtException.class, () -> Host.stock(model, SPEC).close()).getMessage();
    assertTrue(refused.contains("ai.warmgate"), refused);
  }

  @Test
  void whateverAnUpcallThrowsTheHostGoesOn() throws IOException, OrtException {
    Path model = adaptedSpec();
    for (String upcall : List.of("RegisterCustomOps", "CreateKernel")) {
      failing(upcall, () -> message(() -> Host.adapted(model, SPEC, Map.of()).close()));
    }
    float[] expected;
    try (Host host = Host.adapted(model, SPEC, Map.of())) {
      expected = host.run(3, 5);
      failing("Compute", () -> message(() -> host.run(3, 5)));
      assertArrayEquals(expected, host.run(3, 5));
    }
    failing(
        "InferOutputShape",
        () -> {
          try (Host host = Host.adapted(model, SPEC, Map.of())) {
            assertArrayEquals(expected, host.run(3, 5));
          }
        });
  }

  /** Code that may throw anything. */
  private interface Action {
    void run() throws IOException, OrtException;
  }

  private static void failing(String upcall, Action action) throws IOException, OrtException {
    Upcall.setFault(
        name -> {
          if (name.equals(upcall)) {
            throw new StackOverflowError("injected");
          }
        });
    try {
      action.run();
    } finally {
      Upcall.setFault(_ -> {});
    }
  }

  private static String message(Action action) {
    String message = assertThrows(OrtException.class, action::run).getMessage();
    assertTrue(message.lines().count() == 1, message);
    return message;
  }

  /** The model's file with its first MoE node changed. */
  private static byte[] edit(Path model, UnaryOperator<NodeProto> change) throws IOException {
    ModelProto.Builder read = ModelProto.parseFrom(Files.readAllBytes(model)).toBuilder();
    List<NodeProto> nodes = read.getGraph().getNodeList();
    for (int i = 0; i < nodes.size(); i++) {
      if (nodes.get(i).getDomain().equals("ai.warmgate")) {
        read.getGraphBuilder().setNode(i, change.apply(nodes.get(i)));
        break;
      }
    }
    return read.build().toByteArray();
  }

  @Test
  void aStoreIsBesideItsModel() throws IOException {
    Path model = adaptedSpec();
    for (String name : List.of("", "..", "../out/model.onnx.experts", "/model.onnx.experts")) {
      byte[] other = edit(model, node -> withStore(node, name));
      String refused = message(() -> Host.adapted(other, model.getParent(), SPEC).close());
      assertTrue(refused.contains("its store '" + name + "' is not the name"), refused);
    }
  }

  private static NodeProto withStore(NodeProto node, String name) {
    NodeProto.Builder edited = node.toBuilder();
    for (AttributeProto.Builder attribute : edited.getAttributeBuilderList()) {
      if (attribute.getName().equals("store")) {
        attribute.setS(ByteString.copyFromUtf8(name));
      }
    }
    return edited.build();
  }

  private static NodeProto withOtherTopK(NodeProto node) {
    NodeProto.Builder edited = node.toBuilder();
    for (AttributeProto.Builder attribute : edited.getAttributeBuilderList()) {
      if (attribute.getName().equals("k")) {
        attribute.setI(SPEC.topK() + 1);
      }
    }
    return edited.build();
  }
}
