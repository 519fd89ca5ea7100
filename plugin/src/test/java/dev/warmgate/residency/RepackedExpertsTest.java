package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.onnx.ExpertTensor;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Storage;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.TensorLocation.Addressable;
import dev.warmgate.onnx.TensorLocation.Stored;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import dev.warmgate.residency.ExpertStore.PartRead;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores as {@code repack} writes them, read back. */
class RepackedExpertsTest {
  private static final int BLOCK = 4096;
  private static final MoeModelSpec SMALL =
      MoeModelSpec.small().withLayers(2).withExperts(3).withSizes(14, 12).withBias(true);

  @TempDir Path folder;

  private Repacked repack(String name, MoeModelSpec spec) throws IOException {
    Path model = MoeModels.write(folder.resolve(name + ".onnx"), spec);
    return Repack.open(model, false, folder.resolve(name)).write(false, () -> {});
  }

  /** The layers of a slim model as a session finds them. */
  private static List<LayerStore> layers(Path slim) throws IOException {
    List<LayerStore> layers = new ArrayList<>();
    for (MoeLayer layer : ModelInspection.of(OnnxModel.read(slim)).layers()) {
      List<FileRegion> tensors = new ArrayList<>();
      for (ExpertTensor part : layer.tensors()) {
        Stored place = (Stored) part.tensor().location();
        tensors.add(new FileRegion(place.file(), place.offset(), place.length()));
      }
      layers.add(new LayerStore(layer.name(), layer.experts(), tensors));
    }
    return layers;
  }

  /** An expert's bytes, straight from the original files. */
  private static byte[] original(MoeLayer layer, int expert) throws IOException {
    var bytes = new ByteArrayOutputStream();
    for (ExpertTensor part : layer.tensors()) {
      Addressable place = (Addressable) part.tensor().location();
      byte[] some = new byte[(int) part.stride()];
      try (var file = new RandomAccessFile(place.file().toFile(), "r")) {
        file.seek(place.offset() + expert * part.stride());
        file.readFully(some);
      }
      bytes.writeBytes(some);
    }
    return bytes.toByteArray();
  }

  private static byte[] read(ExpertStore store, int layer, int expert) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      long bytes = store.layers().get(layer).expertBytes();
      MemorySegment slot = arena.allocate(bytes, BLOCK);
      for (PartRead read : store.reads(layer, expert)) {
        read.file()
            .read(
                read.fileOffset(),
                slot.asSlice(read.slotOffset(), read.length()),
                arena.allocate(2 * BLOCK, BLOCK));
      }
      store.verify(layer, expert, slot);
      return slot.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @Test
  void everyByteOfEveryExpertComesBack() throws IOException {
    Random random = new Random(5);
    List<Activation> activations = List.of(Activation.values());
    for (int run = 0; run < 12; run++) {
      MoeModelSpec spec =
          MoeModelSpec.small()
              .withLayers(1 + random.nextInt(4))
              .withExperts(2 + random.nextInt(30))
              .withSizes(16 + random.nextInt(70), 16 + random.nextInt(70))
              .withActivation(activations.get(random.nextInt(activations.size())))
              .withBias(random.nextBoolean())
              .withStorage(random.nextInt(3) == 0 ? Storage.EMBEDDED : Storage.EXTERNAL)
              .withLayout(random.nextBoolean() ? 1 : 4096, random.nextInt(5))
              .withSeed(run);
      Repacked repacked = repack("run" + run, spec);
      List<MoeLayer> expected =
          ModelInspection.of(OnnxModel.read(folder.resolve("run" + run + ".onnx"))).layers();
      for (boolean direct : new boolean[] {false, true}) {
        try (ExpertStore store = ExpertStore.open(layers(repacked.model()), direct)) {
          for (int layer = 0; layer < spec.layers(); layer++) {
            for (int expert = 0; expert < spec.experts(); expert++) {
              assertEquals(1, store.reads(layer, expert).size());
              assertEquals(0, store.reads(layer, expert).getFirst().fileOffset() % BLOCK);
              assertArrayEquals(
                  original(expected.get(layer), expert),
                  read(store, layer, expert),
                  "run %d, layer %d, expert %d".formatted(run, layer, expert));
            }
          }
        }
      }
      assertEquals((long) spec.layers() * spec.experts(), repacked.experts());
    }
  }

  @Test
  void aByteThatChangedIsNeverGivenOut() throws IOException {
    Repacked repacked = repack("model", SMALL);
    List<LayerStore> layers = layers(repacked.model());
    List<MoeLayer> expected =
        ModelInspection.of(OnnxModel.read(folder.resolve("model.onnx"))).layers();
    long size = Files.size(repacked.store());
    int refusedAtOpen = 0;
    for (long at = 0; at < size; at += at < BLOCK ? 1 : 5) {
      // One expert a block, the header before them.
      int block = (int) (at / BLOCK) - 1;
      int layer = block / 3;
      int expert = block % 3;
      boolean ofExpert = at % BLOCK < SMALL.bytesPerExpert();
      var opener = FaultySource.opener(FaultySource.Fault.flipped(at));
      try (ExpertStore store = ExpertStore.open(layers, false, opener)) {
        if (block < 0) {
          continue;
        }
        byte[] read = read(store, layer, expert);
        assertFalse(ofExpert, "byte " + at);
        assertArrayEquals(original(expected.get(layer), expert), read, "byte " + at);
      } catch (IOException e) {
        if (block < 0) {
          assertTrue(e.getMessage().startsWith(repacked.store() + ": "), e.getMessage());
          refusedAtOpen++;
        } else {
          String start =
              "%s, expert %d: checksum mismatch".formatted(layers.get(layer).name(), expert);
          assertTrue(ofExpert, "byte " + at);
          assertTrue(e.getMessage().startsWith(start), e.getMessage());
          assertTrue(e.getMessage().contains(repacked.store().toString()), e.getMessage());
        }
      }
    }
    // All of the header; what fills its block doesn't matter.
    assertTrue(refusedAtOpen > 250 && refusedAtOpen < 1000, "" + refusedAtOpen);
  }

  @Test
  void aStoreThatWasCutIsRefused() throws IOException {
    Repacked repacked = repack("model", SMALL);
    List<LayerStore> layers = layers(repacked.model());
    try (FileChannel channel = FileChannel.open(repacked.store(), StandardOpenOption.WRITE)) {
      for (long size = channel.size() - 1; size >= 0; size -= size > 1000 ? 517 : 1) {
        channel.truncate(size);
        IOException e =
            assertThrows(
                IOException.class, () -> ExpertStore.open(layers, false), "cut to " + size);
        assertTrue(e.getMessage().startsWith(repacked.store() + ": "), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
      }
    }
  }

  @Test
  void theStoreOfAnotherModelIsRefused() throws IOException {
    Repacked one = repack("one", SMALL);
    // Of the same shape, but with other weights.
    Repacked other = repack("other", SMALL.withSeed(99));
    Files.copy(other.store(), one.store(), StandardCopyOption.REPLACE_EXISTING);
    IOException e =
        assertThrows(IOException.class, () -> ExpertStore.open(layers(one.model()), false));
    assertEquals(
        "/model/layers.0/moe/MoE: %s belongs to another model, or to another version of this one"
            .formatted(one.store()),
        e.getMessage());
  }

  @Test
  void sizesMustBeThoseOfTheGraph() throws IOException {
    Repacked repacked = repack("model", SMALL);
    LayerStore layer = layers(repacked.model()).getFirst();
    List<FileRegion> tensors = layer.tensors();
    FileRegion first = tensors.getFirst();
    FileRegion second = tensors.get(1);
    FileRegion longer = new FileRegion(first.file(), first.offset(), first.length() + 12);
    FileRegion next = new FileRegion(first.file(), first.offset() + 1, first.length());
    assertMisfit(new LayerStore("moe", 3, List.of(longer, second)));
    assertMisfit(new LayerStore("moe", 3, List.of(first)));
    assertMisfit(new LayerStore("moe", 1, tensors));
    assertMisfit(new LayerStore("moe", 3, List.of(next)));
    assertMisfit(new LayerStore("moe", 3, List.of(first, second, tensors.get(3), tensors.get(2))));
    FileRegion outside = new FileRegion(folder.resolve("model.onnx.data"), 0, first.length());
    IOException e =
        assertThrows(
            IOException.class,
            () ->
                ExpertStore.open(
                    List.of(new LayerStore("moe", 3, List.of(first, outside))), false));
    assertEquals("moe: only some of its tensors are in " + repacked.store(), e.getMessage());
  }

  private static void assertMisfit(LayerStore layer) {
    IOException e = assertThrows(IOException.class, () -> ExpertStore.open(List.of(layer), false));
    assertTrue(e.getMessage().startsWith("moe: "), e.getMessage());
    assertTrue(e.getMessage().contains("doesn't fit the model"), e.getMessage());
  }

  @Test
  void aStoreThatIsRewrittenWhileOpenIsNamedAsChanged() throws IOException {
    Repacked repacked = repack("model", SMALL);
    try (ExpertStore store = ExpertStore.open(layers(repacked.model()), false)) {
      byte[] garbage = HexFormat.of().parseHex("00112233445566778899aabbccddeeff");
      try (FileChannel channel = FileChannel.open(repacked.store(), StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(garbage), BLOCK);
        channel.truncate(channel.size() - 1);
      }
      IOException e = assertThrows(IOException.class, () -> read(store, 0, 0));
      assertTrue(
          e.getMessage().endsWith("; the file was changed since it was opened"), e.toString());
    }
  }
}
