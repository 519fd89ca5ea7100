package dev.warmgate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import com.google.protobuf.CodedOutputStream;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever the file: a model, or one line that says what is wrong, in little memory. */
class BadModelsTest {
  private static final long MEMORY_LIMIT = 64 << 20;

  @TempDir Path folder;

  @Test
  void notAModelAtAll() throws IOException {
    assertBad(folder.resolve("none.onnx"), "no such file");
    assertBad(folder, "not a file");
    assertBad(Files.write(folder.resolve("a"), new byte[0]), "the file is empty");
    assertBad(
        Files.writeString(folder.resolve("b"), "It was the best of times"), "not an ONNX model");
    assertBad(Files.write(folder.resolve("c"), new byte[1000]), "not an ONNX model");
    assertBad(
        Files.write(
            folder.resolve("d"), ModelProto.newBuilder().setIrVersion(8).build().toByteArray()),
        "there is no graph in it");
    Path huge = folder.resolve("e");
    try (var channel =
        FileChannel.open(huge, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), 3L << 30);
    }
    assertBad(huge, "below 2 GiB");
  }

  @ParameterizedTest
  @EnumSource(
      value = Storage.class,
      names = {"EMBEDDED", "EXTERNAL"})
  void truncated(Storage storage) throws IOException {
    MoeModelSpec spec = MoeModelSpec.small().withLayers(2).withBias(true).withStorage(storage);
    Path file = MoeModels.write(folder.resolve("model.onnx"), spec);
    byte[] whole = Files.readAllBytes(file);
    for (int part = 0; part < 64; part++) {
      byte[] some = Arrays.copyOf(whole, (int) ((long) whole.length * part / 64));
      Files.write(file, some);
      assertOneLine(file, "cut at " + part + "/64");
      assertThrows(ModelException.class, () -> OnnxModel.read(file), "cut at " + part + "/64");
    }
    if (storage == Storage.EXTERNAL) {
      Files.write(file, whole);
      Path data = MoeModels.dataFile(file);
      byte[] weights = Files.readAllBytes(data);
      for (int part = 0; part < 64; part++) {
        Files.write(data, Arrays.copyOf(weights, weights.length / 64 * part));
        assertBad(file, "which has " + weights.length / 64 * part);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Storage.class,
      names = {"EMBEDDED", "EXTERNAL"})
  void flippedBytes(Storage storage) throws IOException {
    MoeModelSpec spec =
        MoeModelSpec.small()
            .withExperts(2)
            .withSizes(4, 3)
            .withLayers(2)
            .withBias(true)
            .withStorage(storage);
    Path file = MoeModels.write(folder.resolve("model.onnx"), spec);
    byte[] whole = Files.readAllBytes(file);
    for (int seed = 0; seed < 800; seed++) {
      var random = new Random(seed);
      byte[] bytes = whole.clone();
      for (int flips = random.nextInt(1, 6); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] =
            random.nextBoolean() ? (byte) random.nextInt() : (byte) -1;
      }
      Files.write(file, bytes);
      assertOneLine(file, "seed " + seed);
    }
  }

  @Test
  void lengthsThatTheFileCannotHold() throws IOException {
    for (int field : new int[] {1, 2, 5, 11}) {
      var graph = new ByteArrayOutputStream();
      var out = CodedOutputStream.newInstance(graph);
      out.writeTag(field, Wire.BYTES);
      out.writeUInt32NoTag(Integer.MAX_VALUE);
      out.flush();
      assertBad(inModel(graph.toByteArray()), "unreadable near byte");
    }
    assertBad(
        inModel(GraphProto.newBuilder().setName("n".repeat(2 << 20)).build().toByteArray()),
        "a name or description of 2097152 bytes");
  }

  @Test
  void moreNodesThanAnyModelHas() throws IOException {
    byte[] node = {0x0a, 0x00};
    byte[] graph = new byte[4 << 20];
    for (int i = 0; i < graph.length; i += 2) {
      System.arraycopy(node, 0, graph, i, 2);
    }
    var error = assertThrows(ModelException.class, () -> OnnxModel.read(inModel(graph)));
    assertTrue(error.getMessage().contains("its graph, without weights"), error.getMessage());
  }

  @Test
  void graphsNestedTooDeeply() throws IOException {
    GraphProto graph = GraphProto.getDefaultInstance();
    for (int depth = 0; depth < 60; depth++) {
      graph =
          GraphProto.newBuilder()
              .addNode(Protos.node("If", "", "y").addAttribute(Protos.attribute("g", graph)))
              .build();
    }
    assertBad(inModel(graph.toByteArray()), "graphs nested too deeply");
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', '', has external data without a location",
    "nothing.bin, '', '', refers to the missing file 'nothing.bin'",
    "sub, '', '', which is not a file",
    "../w.bin, '', '', outside the model's folder",
    "sub/../../w.bin, '', '', outside the model's folder",
    "/dev/zero, '', '', absolute path",
    "link.bin, '', '', outside the model's folder",
    "w.bin, -4, '', has the external offset '-4'",
    "w.bin, 4x, '', has the external offset '4x'",
    "w.bin, 99999999999999999999, '', has the external offset",
    "w.bin, 9223372036854775807, '', needs bytes",
    "w.bin, 9, '', 'needs bytes 9 to 41 of w.bin, which has 40'",
    "w.bin, '', 31, 'has 31 bytes of data, but [8] of fp32 needs 32'",
    "w.bin, '', -32, has the external length '-32'",
  })
  void badExternalData(String location, String offset, String length, String expected)
      throws IOException {
    Path inner = Files.createDirectories(folder.resolve("model"));
    Files.createDirectories(inner.resolve("sub"));
    Files.write(inner.resolve("w.bin"), new byte[40]);
    Files.write(folder.resolve("w.bin"), new byte[40]);
    Files.createSymbolicLink(inner.resolve("link.bin"), folder.resolve("w.bin"));
    TensorProto.Builder tensor = external(Map.of("location", location));
    if (!offset.isEmpty()) {
      tensor.addExternalData(entry("offset", offset));
    }
    if (!length.isEmpty()) {
      tensor.addExternalData(entry("length", length));
    }
    Path file = save(inner.resolve("m.onnx"), tensor.addDims(8));
    assertBad(file, "tensor weights ");
    assertBad(file, expected);
  }

  @ParameterizedTest
  @CsvSource({
    "9223372036854775807, 3, more than can be counted",
    "4611686018427387904, 1, more than can be counted",
    "-1, 8, has the negative dimension -1",
    "1000000, 1000, but",
    "2, 2, but",
  })
  void badDimensions(long first, long second, String expected) throws IOException {
    TensorProto.Builder tensor =
        Protos.zeros("weights", ElementType.FLOAT, 8).toBuilder().clearDims();
    assertBad(save(folder.resolve("m.onnx"), tensor.addDims(first).addDims(second)), expected);
  }

  @Test
  void noDataAndTypesWithoutASize() throws IOException {
    var nothing = TensorProto.newBuilder().setName("weights").setDataType(1).addDims(4);
    assertBad(save(folder.resolve("m.onnx"), nothing), "tensor weights has no data");
    Files.write(folder.resolve("w.bin"), new byte[40]);
    TensorProto.Builder strings = external(Map.of("location", "w.bin")).setDataType(8).addDims(2);
    assertBad(save(folder.resolve("m.onnx"), strings), "is external, but of type string");
  }

  @Test
  void notLaxerThanOnnxRuntimeAboutPlaces() throws IOException {
    Path inner = Files.createDirectories(folder.resolve("model/sub"));
    MoeModelSpec spec = MoeModelSpec.small();
    Path file = MoeModels.write(inner.getParent().resolve("m.onnx"), spec);
    Path data = MoeModels.dataFile(file);
    Files.copy(data, inner.resolve("in.data"));
    Files.copy(data, folder.resolve("out.data"));
    Files.createSymbolicLink(inner.getParent().resolve("link.data"), folder.resolve("out.data"));
    Files.createSymbolicLink(inner.getParent().resolve("inlink.data"), inner.resolve("in.data"));
    ModelProto proto = ModelProto.parseFrom(Files.readAllBytes(file));
    for (String place :
        new String[] {
          "m.onnx.data",
          "sub/in.data",
          "./sub/../m.onnx.data",
          "inlink.data",
          "link.data",
          "../out.data",
          folder.resolve("out.data").toString(),
          data.toString(),
        }) {
      Files.write(file, moved(proto, place).toByteArray());
      boolean ours = readable(file);
      assertTrue(!ours || ortLoads(file, spec), "ORT refuses " + place + ", the reader doesn't");
      boolean plain =
          !Path.of(place).isAbsolute() && !place.contains("out") && !place.equals("link.data");
      assertEquals(plain, ours, place);
    }
    Path linked = Files.createDirectories(folder.resolve("linked")).resolve("m.onnx");
    Files.createSymbolicLink(linked, file);
    Files.createSymbolicLink(linked.resolveSibling("m.onnx.data"), data);
    Files.write(file, proto.toByteArray());
    assertTrue(readable(linked) && ortLoads(linked, spec), "a model that is a link itself");
  }

  private static ModelProto moved(ModelProto proto, String place) {
    ModelProto.Builder model = proto.toBuilder();
    for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
      for (StringStringEntryProto.Builder entry : tensor.getExternalDataBuilderList()) {
        if (entry.getKey().equals("location")) {
          entry.setValue(place);
        }
      }
    }
    return model.build();
  }

  private static boolean readable(Path file) throws IOException {
    try {
      OnnxModel.read(file);
      return true;
    } catch (ModelException e) {
      return false;
    }
  }

  private static boolean ortLoads(Path file, MoeModelSpec spec) {
    try {
      new StockOrt(file, spec).close();
      return true;
    } catch (OrtException e) {
      return false;
    }
  }

  private Path inModel(byte[] graph) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = CodedOutputStream.newInstance(bytes);
    out.writeInt64(1, 8);
    out.writeByteArray(7, graph);
    out.flush();
    return Files.write(folder.resolve("made.onnx"), bytes.toByteArray());
  }

  private static Path save(Path file, TensorProto.Builder tensor) throws IOException {
    ModelProto model = Protos.model(GraphProto.newBuilder().addInitializer(tensor));
    return Files.write(file, model.toByteArray());
  }

  private static TensorProto.Builder external(Map<String, String> entries) {
    var tensor = TensorProto.newBuilder().setName("weights").setDataType(1);
    tensor.setDataLocation(TensorProto.DataLocation.EXTERNAL);
    entries.forEach((key, value) -> tensor.addExternalData(entry(key, value)));
    return tensor;
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static void assertBad(Path file, String expected) {
    var error = assertThrows(ModelException.class, () -> OnnxModel.read(file));
    assertTrue(error.getMessage().contains(expected), error.getMessage());
    assertTrue(error.getMessage().startsWith(file.toAbsolutePath().toString()), error.getMessage());
    assertFalse(error.getMessage().contains("\n"), error.getMessage());
  }

  /** Reads and inspects: no exception but {@link ModelException}, and bounded allocation. */
  private static void assertOneLine(Path file, String message) throws IOException {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    try {
      ModelInspection.of(OnnxModel.read(file))
          .unsupported()
          .forEach(each -> assertFalse(each.reason().contains("\n"), message));
    } catch (ModelException e) {
      assertFalse(e.getMessage().contains("\n"), message + ": " + e.getMessage());
    } catch (RuntimeException e) {
      throw new AssertionError(message, e);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < MEMORY_LIMIT, message + ": " + allocated + " bytes");
  }

  @Test
  void namesWithControlCharactersStayOnOneLine() throws IOException {
    var tensor = TensorProto.newBuilder().setName("a\nb\u0007").setDataType(1).addDims(4);
    var error =
        assertThrows(
            ModelException.class, () -> OnnxModel.read(save(folder.resolve("m.onnx"), tensor)));
    assertTrue(error.getMessage().contains("tensor a?b? has no data"), error.getMessage());
    assertEquals(
        error.getMessage(),
        new String(
            error.getMessage().getBytes(StandardCharsets.US_ASCII), StandardCharsets.US_ASCII));
  }
}
