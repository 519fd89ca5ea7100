package dev.warmgate.residency.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StoreHeaderTest {
  private static final String FILE = "model.experts";

  private static StoreHeader header(Random random) {
    List<StoredLayer> layers = new ArrayList<>();
    long offset = StoredLayer.blocks(4096L * (2 + random.nextInt(3)));
    for (int layer = 0; layer < 1 + random.nextInt(4); layer++) {
      List<Long> parts = new ArrayList<>();
      for (int part = 0; part < 1 + random.nextInt(8); part++) {
        parts.add(1 + random.nextLong(10_000));
      }
      int experts = 1 + random.nextInt(40);
      List<Integer> checksums = random.ints(experts).boxed().toList();
      layers.add(StoredLayer.plan("/λ/layers." + layer, offset, parts, experts).with(checksums));
      offset = layers.getLast().end();
    }
    List<SourceFile> sources =
        List.of(new SourceFile("modèle.onnx", 17, 5), new SourceFile("w.bin", 1L << 40, -3));
    return new StoreHeader(offset, random.nextInt(), sources, layers);
  }

  /** Reads a file of {@code fileBytes} that begins with {@code bytes}. */
  private static StoreHeader decode(ByteBuffer bytes, long fileBytes) throws StoreException {
    try {
      return StoreHeader.read(
          FILE,
          fileBytes,
          (target, position) -> {
            int count = (int) Math.min(target.remaining(), bytes.limit() - position);
            target.put(bytes.slice((int) position, Math.max(0, count)));
            return count;
          });
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertRefused(ByteBuffer bytes, long fileBytes, String what) {
    StoreException e =
        assertThrows(StoreException.class, () -> decode(bytes, fileBytes), () -> what);
    assertTrue(e.getMessage().startsWith(FILE + ": "), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void whatIsWrittenIsRead() throws StoreException {
    for (int seed = 0; seed < 200; seed++) {
      StoreHeader header = header(new Random(seed));
      ByteBuffer bytes = header.encode();
      assertEquals(bytes.limit(), header.encodedBytes());
      assertEquals(header, decode(bytes, header.fileBytes()), "seed " + seed);
    }
  }

  @Test
  void everyFlippedBitIsNoticed() {
    StoreHeader header = header(new Random(1));
    ByteBuffer bytes = header.encode();
    for (int bit = 0; bit < 8 * bytes.limit(); bit++) {
      bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ 1 << bit % 8));
      assertRefused(bytes, header.fileBytes(), "bit " + bit);
      bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ 1 << bit % 8));
    }
  }

  @Test
  void everyTruncationIsNoticed() {
    StoreHeader header = header(new Random(2));
    ByteBuffer bytes = header.encode();
    for (int length = 0; length < bytes.limit(); length++) {
      assertRefused(bytes.duplicate().limit(length), length, "cut to " + length);
    }
    for (long size : new long[] {bytes.limit(), header.fileBytes() - 1, header.fileBytes() + 1}) {
      assertRefused(bytes, size, "a file of " + size);
    }
  }

  /** A header whose checksum fits says anything: it is refused, or makes sense. */
  @Test
  void numbersAreNotBelieved() {
    int refused = 0;
    Random random = new Random(3);
    int[] extremes = {0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 4096, 1 << 20};
    for (int run = 0; run < 20_000; run++) {
      StoreHeader header = header(new Random(run % 50));
      ByteBuffer bytes = header.encode().order(ByteOrder.LITTLE_ENDIAN);
      int end = bytes.limit() - Integer.BYTES;
      int at = 24 + random.nextInt(end - 24 - Integer.BYTES + 1);
      bytes.putInt(at, extremes[random.nextInt(extremes.length)]);
      bytes.putInt(end, StoreHeader.crc(bytes.duplicate().limit(end)));
      try {
        StoreHeader read = decode(bytes, header.fileBytes());
        assertEquals(header, read, "run " + run);
      } catch (StoreException e) {
        refused++;
      }
    }
    assertTrue(refused > 19_000, "" + refused);
  }

  @Test
  void anotherVersionIsNamed() {
    StoreHeader header = header(new Random(4));
    ByteBuffer bytes = header.encode().order(ByteOrder.LITTLE_ENDIAN).putInt(8, 2);
    StoreException e = assertThrows(StoreException.class, () -> decode(bytes, header.fileBytes()));
    assertEquals(
        "model.experts: an expert store of version 2, this Warmgate reads 1; repack the model",
        e.getMessage());
  }

  @Test
  void theIdTellsWeightsAndLayoutsApart() {
    StoreHeader header = header(new Random(5));
    assertEquals(header.id(), header(new Random(5)).id());
    StoredLayer first = header.layers().getFirst();
    List<Integer> checksums = new ArrayList<>(first.checksums());
    checksums.set(0, checksums.get(0) ^ 1);
    List<StoredLayer> layers = new ArrayList<>(header.layers());
    layers.set(0, first.with(checksums));
    var other =
        new StoreHeader(header.fileBytes(), header.graphChecksum(), header.sources(), layers);
    assertNotEquals(header.id(), other.id());
    // The lower bits go into the model.
    assertNotEquals((int) header.id(), (int) other.id());
  }
}
