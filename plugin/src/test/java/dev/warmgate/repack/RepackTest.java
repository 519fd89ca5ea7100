package dev.warmgate.repack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a repack makes, and what it leaves behind when it can't. */
class RepackTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(2).withExperts(4).withSizes(24, 20).withBias(true);

  @TempDir Path folder;
  private Path model;
  private Path out;

  @BeforeEach
  void write() throws IOException {
    model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    out = folder.resolve("out");
  }

  private Repacked repack(boolean force) throws IOException {
    return Repack.open(model, false, out).write(force, () -> {});
  }

  /** All that is below a folder, byte by byte. */
  private static Map<String, String> content(Path folder) throws IOException {
    Map<String, String> content = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.toList()) {
        String what =
            Files.isRegularFile(path)
                ? Integer.toHexString(Arrays.hashCode(Files.readAllBytes(path)))
                : "";
        content.put(folder.relativize(path).toString(), what);
      }
    }
    return content;
  }

  private static String message(Executable call) {
    String message = assertThrows(IOException.class, call).getMessage();
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  /** Real files, of which the call of that number fails. */
  private static Sink.Opener failing(AtomicInteger callsLeft) {
    return path -> {
      tick(callsLeft);
      Sink file = Sink.Opener.FILES.create(path);
      return new Sink() {
        @Override
        public void write(ByteBuffer bytes, long position) throws IOException {
          if (callsLeft.get() == 0) {
            // A disk that is full takes some bytes first.
            file.write(bytes.slice(0, bytes.remaining() / 2), position);
          }
          tick(callsLeft);
          file.write(bytes, position);
        }

        @Override
        public void force() throws IOException {
          tick(callsLeft);
          file.force();
        }

        @Override
        public void close() throws IOException {
          file.close();
        }
      };
    };
  }

  private static void tick(AtomicInteger callsLeft) throws IOException {
    if (callsLeft.getAndDecrement() == 0) {
      throw new IOException("No space left on device");
    }
  }

  @Test
  void aFailureAtAnyCallLeavesNothing() throws IOException {
    Map<String, String> before = content(folder);
    int failures = 0;
    while (true) {
      AtomicInteger calls = new AtomicInteger(failures);
      Repack repack = Repack.open(model, false, out, Form.SLIM, failing(calls));
      try {
        repack.write(false, () -> {});
        break;
      } catch (IOException e) {
        assertEquals("No space left on device", e.getMessage());
      }
      assertEquals(before, content(folder), "after a failure at call " + failures);
      failures++;
    }
    // 8 experts of 4 parts, what ends the store, its header; the model; its data; 3 files, forced.
    assertTrue(failures > 8 * 4 + 2 + 2 + 3 + 3, "" + failures);
    assertEquals(3, content(out).size() - 1);
  }

  @Test
  void aFailureLeavesTheEarlierResult() throws IOException {
    repack(false);
    Map<String, String> before = content(folder);
    for (int failures = 0; failures < 50; failures += 7) {
      Repack repack =
          Repack.open(model, false, out, Form.SLIM, failing(new AtomicInteger(failures)));
      assertThrows(IOException.class, () -> repack.write(true, () -> {}));
      assertEquals(before, content(folder));
    }
    repack(true);
    assertEquals(before, content(folder));
  }

  @Test
  void anExistingFolderIsReplacedOnlyIfItIsAResultAndOnRequest() throws IOException {
    repack(false);
    assertEquals(
        out + ": holds this model's experts already; --force does it again",
        message(() -> repack(false)));
    MoeModels.write(model, SPEC.withSeed(2));
    assertEquals(
        out + ": holds another model, or this one before it changed; --force replaces it",
        message(() -> repack(false)));
    Map<String, String> before = content(out);
    repack(true);
    assertFalse(before.equals(content(out)));

    Path store = out.resolve("model.onnx.experts");
    Files.write(store, new byte[10], StandardOpenOption.WRITE);
    assertTrue(message(() -> repack(true)).startsWith(store + ": "));
    Files.delete(store);
    assertEquals(
        out + ": exists, and has no expert store in it; it is left alone",
        message(() -> repack(true)));
    assertTrue(Files.exists(out.resolve("model.onnx")));
  }

  @Test
  void anEmptyFolderIsFilled() throws IOException {
    Files.createDirectory(out);
    repack(false);
    assertTrue(Files.exists(out.resolve("model.onnx.experts")));
  }

  @Test
  void theModelsOwnFolderIsRefused() {
    assertEquals(
        folder + ": is the model's own folder", message(() -> Repack.open(model, false, folder)));
  }

  @Test
  void aFileIsNoFolder() throws IOException {
    Files.createFile(out);
    assertEquals(out + ": not a folder", message(() -> repack(true)));
  }

  @Test
  void whatIsRepackedIsNotRepackedAgain() throws IOException {
    Path slim = repack(false).model();
    assertTrue(
        message(() -> Repack.open(slim, false, folder.resolve("again")))
            .endsWith("it is in an expert store already"));
  }

  @Test
  void aSourceThatChangesMeanwhileGivesNothing() throws IOException {
    Repack repack = Repack.open(model, false, out);
    Path data = MoeModels.dataFile(model);
    String message =
        message(
            () ->
                repack.write(
                    false,
                    () -> {
                      try {
                        Files.write(data, new byte[1], StandardOpenOption.APPEND);
                      } catch (IOException e) {
                        throw new UncheckedIOException(e);
                      }
                    }));
    assertEquals(data + ": changed while it was repacked", message);
    assertFalse(Files.exists(out));
  }

  @Test
  void whatAKilledRunLeftIsCleared() throws IOException {
    Path partial = Files.createDirectories(folder.resolve("out.partial").resolve("deep"));
    Files.write(partial.resolve("model.onnx.experts"), new byte[100]);
    repack(false);
    assertFalse(Files.exists(folder.resolve("out.partial")));
    assertFalse(Files.exists(folder.resolve("out.lock")));
  }

  @Test
  void oneRunAtATime() throws IOException {
    try (Staging other = Staging.open(out)) {
      assertEquals(out + ": another repack is writing it", message(() -> repack(false)));
      assertTrue(Files.isDirectory(other.folder()));
    }
    repack(false);
  }

  /** Tensors that are no experts have the same bytes, wherever they were. */
  @ParameterizedTest
  @EnumSource(
      value = Storage.class,
      names = {"EMBEDDED", "EXTERNAL"})
  void otherTensorsKeepTheirBytes(Storage storage) throws IOException {
    model = MoeModels.write(model, SPEC.withStorage(storage).withLayout(1, 3));
    OnnxModel before = OnnxModel.read(model);
    OnnxModel after = OnnxModel.read(repack(false).model());
    assertEquals(before.graph().nodes(), after.graph().nodes());
    assertEquals(before.graph().inputs(), after.graph().inputs());
    assertEquals(before.graph().outputs(), after.graph().outputs());
    assertEquals(
        List.copyOf(before.graph().initializers().keySet()),
        List.copyOf(after.graph().initializers().keySet()));
    int compared = 0;
    for (var tensor : before.graph().initializers().values()) {
      var copy = after.graph().initializers().get(tensor.name());
      assertEquals(tensor.dims(), copy.dims());
      assertEquals(tensor.type(), copy.type());
      assertEquals(tensor.name().contains(".fc"), copy.location() instanceof TensorLocation.Stored);
      if (copy.location() instanceof TensorLocation.Addressable place) {
        var was = (TensorLocation.Addressable) tensor.location();
        assertArrayEquals(bytes(was), bytes(place), tensor.name());
        assertEquals(was.getClass(), place.getClass());
        compared++;
      }
    }
    assertEquals(4, compared, "two routers, a residual, a shape");
  }

  /** Exporters put all constants into the data file, those without elements too. */
  @ParameterizedTest
  @EnumSource(Form.class)
  void aTensorOfNothingHasAPlaceWithinTheFile(Form form) throws IOException {
    Path data = MoeModels.dataFile(model);
    long end = Files.size(data);
    ModelProto.Builder proto = ModelProto.parseFrom(Files.readAllBytes(model)).toBuilder();
    proto.getGraphBuilder().addInitializer(external("nothing", data, end, 0));
    Files.write(model, proto.build().toByteArray());
    Path made =
        Repack.open(model, false, out, form, Sink.Opener.FILES).write(false, () -> {}).model();
    assertEquals(0, nothing(made).length());
    assertEquals(
        0, nothing(Unpack.into(Files.createDirectory(folder.resolve("plain")), made)).length());
  }

  private static TensorLocation.External nothing(Path model) throws IOException {
    return (TensorLocation.External)
        OnnxModel.read(model).graph().initializers().get("nothing").location();
  }

  private static TensorProto external(String name, Path file, long offset, long floats) {
    Map<String, String> place =
        Map.of(
            "location",
            file.getFileName().toString(),
            "offset",
            Long.toString(offset),
            "length",
            Long.toString(4 * floats));
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(ElementType.FLOAT.code())
            .addDims(floats)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    place.forEach(
        (key, value) ->
            tensor.addExternalData(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return tensor.build();
  }

  @ParameterizedTest
  @ValueSource(strings = {".experts", ".data"})
  void aFileWithANameThatIsNeededIsRefusedBeforeAnythingIsWritten(String suffix)
      throws IOException {
    MoeModels.write(model, SPEC.withStorage(Storage.EMBEDDED));
    Files.deleteIfExists(MoeModels.dataFile(model));
    Path taken = Files.writeString(folder.resolve("model.onnx" + suffix), "of another tool");
    Map<String, String> before = content(folder);
    assertEquals(
        taken + ": is none of the model's files, and has the name of one that is to be made",
        message(() -> Repack.open(model, true, out)));
    assertEquals(before, content(folder));
    // Nothing else of the folder is copied, so nothing is in the way.
    repack(false);
  }

  private static byte[] bytes(TensorLocation.Addressable place) throws IOException {
    byte[] file = Files.readAllBytes(place.file());
    int start = (int) place.offset();
    return Arrays.copyOfRange(file, start, start + (int) place.length());
  }

  @Test
  void otherFilesOfTheFolderComeAlong() throws IOException {
    Path whole = Files.createDirectories(folder.resolve("whole"));
    model = MoeModels.write(whole.resolve("model.onnx"), SPEC);
    Files.writeString(whole.resolve("genai_config.json"), "{}");
    Files.createDirectory(whole.resolve("more"));
    Files.writeString(whole.resolve("more").resolve("tokenizer.json"), "[]");
    // Below the model's folder: what is made is not copied into itself.
    out = whole.resolve("out");
    Repack.open(model, true, out).write(false, () -> {});
    assertEquals(
        List.of(
            "",
            "genai_config.json",
            "model.onnx",
            "model.onnx.data",
            "model.onnx.experts",
            "more",
            "more/tokenizer.json"),
        List.copyOf(content(out).keySet()));
    assertEquals("{}", Files.readString(out.resolve("genai_config.json")));
    // The data file has routers and no experts.
    assertTrue(Files.size(out.resolve("model.onnx.data")) < 8192);
  }

  @Test
  void aTensorThatOnnxRuntimeMayReadKeepsItsLayer() throws IOException {
    model = MoeModels.write(model, SPEC.withExperts(2).withSizes(24, 8));
    String message = message(() -> Repack.open(model, false, out));
    assertTrue(message.contains("fc1.bias is so small that ONNX Runtime may read it"), message);
  }
}
