package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A layer on disk whose every byte tells which expert it belongs to, and where in it. */
final class ExpertFixture {
  /** What comes before the first tensor and between tensors: no offset is aligned by accident. */
  private static final int GAP = 37;

  private final int seed;
  private final byte[] content;
  private final LayerStore store;

  /**
   * Writes the file.
   *
   * @param partBytes bytes of one expert in each tensor
   */
  ExpertFixture(Path folder, String name, int seed, int experts, int... partBytes)
      throws IOException {
    this.seed = seed;
    Path file = folder.resolve(name + ".bin");
    List<FileRegion> tensors = new ArrayList<>();
    content = new byte[GAP + Arrays.stream(partBytes).map(p -> p * experts + GAP).sum()];
    int offset = GAP;
    int inSlot = 0;
    for (int part : partBytes) {
      tensors.add(new FileRegion(file, offset, (long) part * experts));
      for (int expert = 0; expert < experts; expert++) {
        for (int i = 0; i < part; i++) {
          content[offset++] = pattern(expert, inSlot + i);
        }
      }
      inSlot += part;
      offset += GAP;
    }
    store = new LayerStore(name, experts, tensors);
    Files.write(file, content);
  }

  LayerStore store() {
    return store;
  }

  Path file() {
    return store.tensors().getFirst().file();
  }

  /** Cuts the file, so that {@code expert} lacks the last byte of its first part. */
  void cutBefore(int expert) throws IOException {
    FileRegion part = store.tensors().getFirst().part(expert, store.experts());
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.truncate(part.offset() + part.length() - 1);
    }
  }

  /** Makes the same file whole again. */
  void repair() throws IOException {
    Files.write(file(), content, StandardOpenOption.WRITE);
  }

  /** Checks every byte of a slot that holds an expert. */
  void check(MemorySegment slot, int expert) {
    long bytes = store.expertBytes();
    for (int i = 0; i < bytes; i++) {
      byte found = slot.get(ValueLayout.JAVA_BYTE, i);
      if (found != pattern(expert, i)) {
        fail("%s, expert %d: wrong byte at %d".formatted(store.name(), expert, i));
      }
    }
  }

  private byte pattern(int expert, int index) {
    int x = (seed * 31 + expert) * 0x9E3779B9 + index * 0x85EBCA6B;
    return (byte) (x >>> 24 ^ x >>> 11);
  }
}
